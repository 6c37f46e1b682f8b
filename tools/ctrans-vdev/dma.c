// SPDX-License-Identifier: MIT
/*
 * Guest memory: which bus addresses reach which file.
 *
 * The workers keep pointers from one boundary of a job to the next. So memory
 * that is unmapped goes in three steps: out of the table, then chip_forget(),
 * and only when that has come through the pages. A client is never kept waiting
 * longer than VDEV_WAIT_MS for it: then the workers get private zeros in place
 * of its pages, which are garbage to a job that still uses them, and which fails
 * for it at its next boundary, as the memory is not in the table any more.
 */
#include "vdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t generations = 1;

/* The table has changed. Its lock is held for writing. */
static void renew(struct vdev_dma *d)
{
	atomic_store(&d->generation, atomic_fetch_add(&generations, 1));
}

int vdev_dma_init(struct vdev_dma *d)
{
	renew(d);
	return -pthread_rwlock_init(&d->lock, NULL);
}

/* ---- Looking up --------------------------------------------------------- */

/* First map that ends above @addr. */
static unsigned int find(const struct vdev_dma *d, uint64_t addr)
{
	unsigned int lo = 0, hi = d->n;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (d->maps[mid].addr + (d->maps[mid].size - 1) < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool holds(const struct vdev_map *m, uint64_t addr)
{
	return addr >= m->addr && addr - m->addr < m->size;
}

/*
 * Asked for every page of a job. Where the thread found the last one it is most
 * often again, and good as long as the table is the same: who changes it waits
 * for chip_forget(), as for any pointer that was given before.
 */
void *vdev_dma_at(void *ctx, uint64_t addr, uint64_t len, bool write,
		  uint64_t *contiguous)
{
	static _Thread_local struct vdev_map last;
	static _Thread_local uint64_t generation;
	struct vdev_dma *d = &((struct vdev *)ctx)->dma;
	uint64_t left;
	unsigned int i;

	if (!atomic_load_explicit(&d->master, memory_order_acquire))
		return NULL;
	if (atomic_load_explicit(&d->generation, memory_order_acquire) != generation ||
	    !holds(&last, addr)) {
		pthread_rwlock_rdlock(&d->lock);
		generation = atomic_load(&d->generation);
		i = find(d, addr);
		last = i < d->n ? d->maps[i] : (struct vdev_map){ 0 };
		pthread_rwlock_unlock(&d->lock);
		if (!holds(&last, addr))
			return NULL;
	}
	if (!last.ptr || !(write ? last.writable : last.readable))
		return NULL;
	left = last.size - (addr - last.addr);
	*contiguous = len < left ? len : left;
	return last.ptr + (addr - last.addr);
}

/* ---- Mapping ------------------------------------------------------------ */

/*
 * Memory, and so much of it as is said: nothing whose pages a disk or another
 * process has to be waited for.
 */
static int check_file(int fd, uint64_t offset, uint64_t size)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) || fstatfs(fd, &fs))
		return -errno;
	if (!S_ISREG(st.st_mode) ||
	    (fs.f_type != TMPFS_MAGIC && fs.f_type != HUGETLBFS_MAGIC))
		return -EINVAL;
	/* of a large page there is no part that could be taken away or blanked alone */
	if (fs.f_type == HUGETLBFS_MAGIC && size % (uint64_t)fs.f_bsize)
		return -EINVAL;
	if (offset > (uint64_t)st.st_size || size > (uint64_t)st.st_size - offset)
		return -EINVAL;
	return 0;
}

static int map_file(struct vdev_map *m, int fd, uint64_t offset)
{
	int prot = (m->readable ? PROT_READ : 0) | (m->writable ? PROT_WRITE : 0);
	int ret = check_file(fd, offset, m->size);
	void *p;

	if (ret)
		return ret;
	if (!prot || m->size > SIZE_MAX)
		return -EINVAL;
	p = mmap(NULL, (size_t)m->size, prot, MAP_SHARED | MAP_NORESERVE, fd,
		 (off_t)offset);
	if (p == MAP_FAILED)
		return -errno;
	ret = vdev_guard_add(p, (size_t)m->size, &m->guard);
	if (ret) {
		munmap(p, (size_t)m->size);
		return ret;
	}
	m->ptr = p;
	return 0;
}

static void unmap_file(const struct vdev_map *m)
{
	vdev_guard_remove(m->guard);
	munmap(m->ptr, (size_t)m->size);
}

static int room_for_one(struct vdev_dma *d)
{
	unsigned int room = d->room ? 2 * d->room : 64;
	struct vdev_map *maps;

	if (d->n < d->room)
		return 0;
	if (d->n >= VDEV_MAPS_MAX)
		return -ENOSPC;
	maps = malloc(room * sizeof(*maps));
	if (!maps)
		return -ENOMEM;
	pthread_rwlock_wrlock(&d->lock);
	if (d->n)
		memcpy(maps, d->maps, d->n * sizeof(*maps));
	free(d->maps);
	d->maps = maps;
	d->room = room;
	pthread_rwlock_unlock(&d->lock);
	return 0;
}

/* -EINVAL, -EEXIST, -ENOSPC, -ENOMEM, or what mmap() says. */
int vdev_dma_map(struct vdev *v, const struct vdev_dma_map *m, int fd)
{
	const uint64_t page = CTRANS_PAGE_4K - 1;
	struct vdev_dma *d = &v->dma;
	struct vdev_map map = {
		.addr = m->addr,
		.size = m->size,
		.readable = m->flags & VFIO_DMA_MAP_FLAG_READ,
		.writable = m->flags & VFIO_DMA_MAP_FLAG_WRITE,
	};
	unsigned int i;
	int ret;

	if (m->flags & ~(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE) ||
	    !m->size || (m->addr | m->size | m->offset) & page ||
	    m->size - 1 > UINT64_MAX - m->addr || m->offset > INT64_MAX)
		return -EINVAL;
	ret = room_for_one(d);
	if (ret)
		return ret;
	i = find(d, m->addr);
	if (i < d->n && d->maps[i].addr <= m->addr + (m->size - 1))
		return -EEXIST;
	if (fd >= 0)
		ret = map_file(&map, fd, m->offset);
	if (ret)
		return ret;
	pthread_rwlock_wrlock(&d->lock);
	memmove(&d->maps[i + 1], &d->maps[i], (d->n - i) * sizeof(map));
	d->maps[i] = map;
	d->n++;
	renew(d);
	pthread_rwlock_unlock(&d->lock);
	return 0;
}

/* ---- Unmapping ----------------------------------------------------------- */

static void nap(void)
{
	const struct timespec t = { .tv_nsec = 50000 };

	nanosleep(&t, NULL);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static bool forgotten_soon(struct vdev *v, uint64_t number)
{
	int64_t until = now_ms() + VDEV_WAIT_MS;

	while (!chip_forgotten(v->chip, number)) {
		if (now_ms() > until)
			return false;
		nap();
	}
	return true;
}

/* Maps [first, last) of the table go. */
static int drop(struct vdev *v, unsigned int first, unsigned int last)
{
	struct vdev_dma *d = &v->dma;
	struct vdev_leaving *gone = NULL, **end = &gone, *l;
	uint64_t number;
	bool soon;

	/* before anything changes: a failure leaves all as it was */
	for (unsigned int i = first; i < last; i++) {
		if (!d->maps[i].ptr)
			continue;
		l = malloc(sizeof(*l));
		if (!l) {
			while ((l = gone)) {
				gone = l->next;
				free(l);
			}
			return -ENOMEM;
		}
		*l = (struct vdev_leaving){ .map = d->maps[i] };
		*end = l;
		end = &l->next;
	}
	pthread_rwlock_wrlock(&d->lock);
	memmove(&d->maps[first], &d->maps[last], (d->n - last) * sizeof(*d->maps));
	d->n -= last - first;
	renew(d);
	pthread_rwlock_unlock(&d->lock);
	if (!gone)
		return 0;

	number = chip_forget(v->chip);
	soon = forgotten_soon(v, number);
	while ((l = gone)) {
		gone = l->next;
		if (soon) {
			unmap_file(&l->map);
			free(l);
			continue;
		}
		/* should it fail, the client's pages stay until the workers leave */
		vdev_guard_blank(l->map.ptr, (size_t)l->map.size);
		l->number = number;
		l->next = d->leaving;
		d->leaving = l;
	}
	return 0;
}

/*
 * What lies inside the range, which may be nothing: clients unmap more than they
 * mapped. -EINVAL if a map sticks out of it; then all stay.
 */
int vdev_dma_unmap(struct vdev *v, uint64_t addr, uint64_t size)
{
	struct vdev_dma *d = &v->dma;
	unsigned int first, last;
	uint64_t end;

	if (!size || size - 1 > UINT64_MAX - addr)
		return -EINVAL;
	end = addr + (size - 1);
	first = find(d, addr);
	if (first < d->n && d->maps[first].addr < addr)
		return -EINVAL;
	for (last = first; last < d->n && d->maps[last].addr <= end; last++)
		if (d->maps[last].addr + (d->maps[last].size - 1) > end)
			return -EINVAL;
	if (first == last)
		return 0;
	return drop(v, first, last);
}

void vdev_dma_unmap_all(struct vdev *v)
{
	/* one at a time needs no memory at once; then nothing else does, either */
	if (v->dma.n && drop(v, 0, v->dma.n))
		while (v->dma.n && !drop(v, v->dma.n - 1, v->dma.n))
			;
}

void vdev_dma_reap(struct vdev *v)
{
	struct vdev_leaving **at = &v->dma.leaving, *l;

	while ((l = *at)) {
		if (!chip_forgotten(v->chip, l->number)) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		unmap_file(&l->map);
		free(l);
	}
}

/* No worker is left. */
void vdev_dma_free(struct vdev *v)
{
	struct vdev_dma *d = &v->dma;
	struct vdev_leaving *l;

	for (unsigned int i = 0; i < d->n; i++)
		if (d->maps[i].ptr)
			unmap_file(&d->maps[i]);
	while ((l = d->leaving)) {
		d->leaving = l->next;
		unmap_file(&l->map);
		free(l);
	}
	free(d->maps);
	pthread_rwlock_destroy(&d->lock);
}
