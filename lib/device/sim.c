// SPDX-License-Identifier: MIT
/*
 * The in-process transport: lib/chip with an arena for memory. It plays the
 * kernel's part through the same registers that the driver uses.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chip/chip.h"
#include "device/arena.h"
#include "device/cpus.h"
#include "device/room.h"
#include "device/transport.h"
#include "uapi/ctrans_regs.h"

struct sim {
	struct ct_arena arena;
	struct chip *chip;
	_Atomic uint32_t news;		/* counts interrupts and ends of work */
	_Atomic uint32_t sleepers;
	pthread_mutex_t lock;		/* slots */
	uint64_t slots;
	char cpus[72];			/* ",cpus=LIST" as given, or "" */
};

/* ---- The bus ---------------------------------------------------------- */

static void *bus_map(void *ctx, uint64_t addr, uint64_t len, bool write,
		     uint64_t *contiguous)
{
	struct sim *s = ctx;
	uint64_t real = atomic_load_explicit(&s->arena.real, memory_order_acquire);

	(void)write;
	if (addr >= real)
		return NULL;
	*contiguous = len < real - addr ? len : real - addr;
	return s->arena.base + addr;
}

static void tell(struct sim *s)
{
	atomic_fetch_add(&s->news, 1);
	if (atomic_load(&s->sleepers))
		syscall(SYS_futex, &s->news, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL,
			NULL, 0);
}

static void bus_raise(void *ctx, unsigned int vector)
{
	(void)vector;
	tell(ctx);
}

/* ---- Opening ---------------------------------------------------------- */

struct options {
	unsigned int threads, opp;
	char kernel[32];
	char list[64];		/* "cpus=" as given */
	unsigned short cpus[CHIP_THREADS_MAX];
	unsigned int n_cpus;
};

static int parse_number(const char *key, const char *value, unsigned long max,
			unsigned int *out, struct ct_err *err)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || v > max)
		return ct_fail(err, -EINVAL,
			       "device \"sim\": %s=%.32s is not a number from 0 to %lu",
			       key, value, max);
	*out = (unsigned int)v;
	return 0;
}

static int parse_cpus(const char *value, struct options *o, struct ct_err *err)
{
	if (strlen(value) >= sizeof(o->list))
		return ct_fail(err, -EINVAL, "device \"sim\": cpus=... too long");
	strcpy(o->list, value);
	return ct_cpus_parse(value, o->cpus, CHIP_THREADS_MAX, &o->n_cpus, err);
}

static int parse(const char *text, struct options *o, struct ct_err *err)
{
	char copy[192], *save = NULL;
	int ret;

	*o = (struct options){ .opp = CTRANS_OPP_RESET, .kernel = "auto" };
	if (strlen(text) >= sizeof(copy))
		return ct_fail(err, -EINVAL, "device \"sim\": options too long");
	strcpy(copy, text);
	for (char *p = strtok_r(copy, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		char *value = strchr(p, '=');

		if (value)
			*value++ = '\0';
		if (value && !strcmp(p, "threads"))
			ret = parse_number(p, value, CHIP_THREADS_MAX, &o->threads, err);
		else if (value && !strcmp(p, "opp"))
			ret = parse_number(p, value, 4, &o->opp, err);
		else if (value && !strcmp(p, "cpus"))
			ret = parse_cpus(value, o, err);
		else if (value && !strcmp(p, "kernel") &&
			 strlen(value) < sizeof(o->kernel)) {
			strcpy(o->kernel, value);
			ret = 0;
		} else {
			ret = ct_fail(err, -EINVAL,
				"device \"sim\": unknown option \"%.32s\"; there are threads=N, cpus=LIST, kernel=NAME, opp=N",
				p);
		}
		if (ret)
			return ret;
	}
	if (o->n_cpus && o->threads > o->n_cpus)
		return ct_fail(err, -EINVAL,
			"device \"sim\": threads=%u, but cpus=%s names %u; a thread has a CPU of its own there",
			o->threads, o->list, o->n_cpus);
	if (!o->threads)
		o->threads = o->n_cpus;
	return 0;
}

static void sim_close(void *state)
{
	struct sim *s = state;

	chip_destroy(s->chip);
	ct_arena_close(&s->arena);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static int sim_open(const char *text, void **state, struct ct_err *err)
{
	struct options o;
	struct chip_config cfg;
	struct chip_bus bus;
	struct sim *s;
	int ret;

	ret = parse(text, &o, err);
	if (ret)
		return ret;
	s = calloc(1, sizeof(*s));
	if (!s)
		return ct_fail(err, -ENOMEM, "out of memory");
	ret = ct_arena_open(&s->arena, err);
	if (ret) {
		free(s);
		return ret;
	}
	pthread_mutex_init(&s->lock, NULL);
	cfg = (struct chip_config){
		.threads = o.threads, .kernel = o.kernel,
		.cpus = o.n_cpus ? o.n_cpus : ct_cpus_usable(),
		.pin = o.n_cpus ? o.cpus : NULL,
	};
	bus = (struct chip_bus){ .map = bus_map, .raise = bus_raise, .ctx = s };
	ret = chip_create(&cfg, &bus, &s->chip);
	if (ret) {
		sim_close(s);
		if (ret == -EINVAL)
			return ct_fail(err, ret,
				"device \"sim\": kernel=%s is not one that this CPU can run; try kernel=auto",
				o.kernel);
		return ct_fail(err, ret, "device \"sim\": cannot start: %s",
			       strerror(-ret));
	}
	chip_write(s->chip, CTRANS_REG_OPP, o.opp);
	chip_write(s->chip, CTRANS_REG_CTX_TABLE_LO, (uint32_t)s->arena.ctx_table);
	chip_write(s->chip, CTRANS_REG_CTX_TABLE_HI,
		   (uint32_t)(s->arena.ctx_table >> 32));
	if (o.n_cpus)
		snprintf(s->cpus, sizeof(s->cpus), ",cpus=%s", o.list);
	*state = s;
	return 0;
}

static void describe(struct ct_device_info *info)
{
	strcpy(info->description,
	       "model of the C-Transformer (28 nm, 48 cores) in this process");
	info->is_model = true;
	info->has_f32 = true;
	info->has_kv_s8 = true;
}

static void sim_info(const void *state, struct ct_device_info *info)
{
	const struct sim *s = state;
	uint32_t opp = chip_read(s->chip, CTRANS_REG_OPP);

	describe(info);
	info->caps = chip_read(s->chip, CTRANS_REG_CAPS);
	info->threads = chip_threads(s->chip);
	snprintf(info->kernel, sizeof(info->kernel), "%s", chip_kernel_name(s->chip));
	snprintf(info->name, sizeof(info->name), "sim:threads=%u,kernel=%s,opp=%u",
		 info->threads, info->kernel, opp);
	/* a list too long for the name is left out: the rest is still a device */
	if (strlen(info->name) + strlen(s->cpus) < sizeof(info->name))
		strcat(info->name, s->cpus);
	info->cores = chip_read(s->chip, CTRANS_REG_CORES);
	chip_write(s->chip, CTRANS_REG_OPP_INDEX, opp);
	info->mv = chip_read(s->chip, CTRANS_REG_OPP_MV);
	info->khz = chip_read(s->chip, CTRANS_REG_OPP_KHZ);
}

static void sim_set_opp(void *state, unsigned int opp)
{
	struct sim *s = state;

	chip_write(s->chip, CTRANS_REG_OPP, opp);
}

/* What open with no options would give, without making its threads. */
static int sim_list(unsigned int index, struct ct_device_info *info)
{
	void *state;
	int ret;

	if (index)
		return -ENODEV;
	ret = sim_open("threads=1", &state, NULL);
	if (ret)
		return ret;
	sim_info(state, info);
	sim_close(state);
	strcpy(info->name, "sim");
	info->threads = ct_cpus_usable();
	if (info->threads > CHIP_THREADS_MAX)
		info->threads = CHIP_THREADS_MAX;
	return 0;
}

/* ---- Memory ----------------------------------------------------------- */

static int sim_alloc(void *state, uint64_t size, struct ct_buf_dev *buf,
		     struct ct_err *err)
{
	struct sim *s = state;
	uint64_t offset;
	int ret = ct_arena_alloc(&s->arena, size, &offset, err);

	if (ret)
		return ret;
	*buf = (struct ct_buf_dev){
		.cpu = s->arena.base + offset,
		.va = offset + CT_ARENA_VA,
		.size = size,
	};
	return 0;
}

/*
 * Nothing is unmapped: the arena's pages stay in the page tables, so there is
 * no translation to invalidate. The caller has no job that uses the buffer.
 */
static void sim_free(void *state, struct ct_buf_dev *buf)
{
	struct sim *s = state;

	ct_arena_free(&s->arena, buf->va - CT_ARENA_VA, buf->size);
}

static int sim_room(void *state, uint64_t size, struct ct_err *err)
{
	(void)state;
	return ct_room(size, err);
}

/* ---- Queues ----------------------------------------------------------- */

static void queue_write(struct sim *s, unsigned int slot, uint32_t reg, uint32_t v)
{
	chip_write(s->chip, CTRANS_REG_Q(slot) + reg, v);
}

static uint32_t queue_read(struct sim *s, unsigned int slot, uint32_t reg)
{
	return chip_read(s->chip, CTRANS_REG_Q(slot) + reg);
}

static uint64_t status_size(unsigned int log2_entries)
{
	return CTRANS_STATUS_CQ + (sizeof(struct ctrans_cqe) << log2_entries);
}

static int take_slot(struct sim *s, unsigned int *slot)
{
	int ret = -EBUSY;

	pthread_mutex_lock(&s->lock);
	for (unsigned int i = 0; i < CTRANS_QUEUES && ret; i++) {
		if (s->slots >> i & 1)
			continue;
		s->slots |= 1ull << i;
		*slot = i;
		ret = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return ret;
}

static void drop_slot(struct sim *s, unsigned int slot)
{
	pthread_mutex_lock(&s->lock);
	s->slots &= ~(1ull << slot);
	pthread_mutex_unlock(&s->lock);
}

static int sim_queue_open(void *state, unsigned int log2_entries,
			  struct ct_rings *r, struct ct_err *err)
{
	struct sim *s = state;
	uint64_t sq, status;
	int ret;

	if (log2_entries < CTRANS_QUEUE_LOG2_MIN ||
	    log2_entries > CTRANS_QUEUE_LOG2_MAX)
		return ct_fail(err, -EINVAL, "a queue has 2^%d to 2^%d entries",
			       CTRANS_QUEUE_LOG2_MIN, CTRANS_QUEUE_LOG2_MAX);
	if (take_slot(s, &r->slot))
		return ct_fail(err, -EBUSY, "all %d queues of the device are in use",
			       CTRANS_QUEUES);
	ret = ct_arena_alloc(&s->arena, sizeof(struct ctrans_sqe) << log2_entries,
			     &sq, err);
	if (ret)
		goto no_sq;
	ret = ct_arena_alloc(&s->arena, status_size(log2_entries), &status, err);
	if (ret)
		goto no_status;

	r->sq = (struct ctrans_sqe *)(s->arena.base + sq);
	r->line = (struct ctrans_status_line *)(s->arena.base + status);
	r->kernel = (struct ctrans_kernel_line *)(s->arena.base + status +
						  CTRANS_STATUS_KERNEL);
	r->cq = (struct ctrans_cqe *)(s->arena.base + status + CTRANS_STATUS_CQ);
	r->sq_mask = (1u << log2_entries) - 1;
	r->cq_mask = r->sq_mask;

	queue_write(s, r->slot, CTRANS_Q_SQ_VA_LO, (uint32_t)(sq + CT_ARENA_VA));
	queue_write(s, r->slot, CTRANS_Q_SQ_VA_HI, (uint32_t)((sq + CT_ARENA_VA) >> 32));
	queue_write(s, r->slot, CTRANS_Q_STATUS_LO, (uint32_t)status);
	queue_write(s, r->slot, CTRANS_Q_STATUS_HI, (uint32_t)(status >> 32));
	queue_write(s, r->slot, CTRANS_Q_SIZES, log2_entries << 8 | log2_entries);
	queue_write(s, r->slot, CTRANS_Q_CTX, 0);
	queue_write(s, r->slot, CTRANS_Q_SQ_HEAD, 0);
	queue_write(s, r->slot, CTRANS_Q_SQ_TAIL, 0);
	queue_write(s, r->slot, CTRANS_Q_CQ_HEAD, 0);
	queue_write(s, r->slot, CTRANS_Q_CQ_TAIL, 0);
	queue_write(s, r->slot, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
	return 0;

no_status:
	ct_arena_free(&s->arena, sq, sizeof(struct ctrans_sqe) << log2_entries);
no_sq:
	drop_slot(s, r->slot);
	return ret;
}

static void sim_queue_close(void *state, struct ct_rings *r)
{
	struct sim *s = state;
	uint64_t entries = (uint64_t)r->sq_mask + 1;

	queue_write(s, r->slot, CTRANS_Q_CTRL, CTRANS_QCTRL_ABORT);
	/* another thread may be at work on it, for at most a unit of work */
	while (queue_read(s, r->slot, CTRANS_Q_ACTIVE))
		usleep(100);
	ct_arena_free(&s->arena, (uint64_t)((uint8_t *)r->sq - s->arena.base),
		      entries * sizeof(struct ctrans_sqe));
	ct_arena_free(&s->arena,
		      (uint64_t)((const uint8_t *)r->line - s->arena.base),
		      CTRANS_STATUS_CQ + entries * sizeof(struct ctrans_cqe));
	drop_slot(s, r->slot);
}

static int sim_queue_restart(void *state, struct ct_rings *r, uint32_t seen,
			     struct ct_err *err)
{
	(void)seen;
	(void)err;
	queue_write(state, r->slot, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
	return 0;
}

static void sim_doorbell(void *state, const struct ct_rings *r, uint32_t offset,
			 uint32_t value)
{
	struct sim *s = state;

	chip_doorbell(s->chip, r->slot, offset, value);
}

/* ---- Waiting ---------------------------------------------------------- */

struct awaited {
	const struct ct_rings *r;
	uint32_t seen;
};

static bool arrived(void *arg)
{
	const struct awaited *a = arg;

	return __atomic_load_n(&a->r->line->cq_tail, __ATOMIC_ACQUIRE) != a->seen;
}

/*
 * Work on the chip if nobody does; else sleep until an interrupt, or until the
 * one at work leaves, as it may leave with our job not begun.
 */
static int sim_wait(void *state, struct ct_rings *r, uint32_t seen,
		    struct ct_err *err)
{
	struct sim *s = state;
	struct awaited a = { r, seen };
	uint32_t news = atomic_load(&s->news);
	int jobs = chip_work(s->chip, arrived, &a);

	(void)err;
	if (jobs >= 0) {
		tell(s);
		return 0;
	}
	/* acknowledge the last interrupt, as the kernel's handler would; then arm */
	chip_write(s->chip, r->slot < 32 ? CTRANS_REG_QPEND_LO : CTRANS_REG_QPEND_HI,
		   1u << r->slot % 32);
	chip_doorbell(s->chip, r->slot, CTRANS_DB_ARM, seen);
	if (arrived(&a))
		return 0;
	/* whatever happened since news was read makes this return at once */
	atomic_fetch_add(&s->sleepers, 1);
	syscall(SYS_futex, &s->news, FUTEX_WAIT_PRIVATE, news, NULL, NULL, 0);
	atomic_fetch_sub(&s->sleepers, 1);
	return 0;
}

const struct ct_transport ct_transport_sim = {
	.name = "sim",
	.open = sim_open,
	.close = sim_close,
	.info = sim_info,
	.list = sim_list,
	.alloc = sim_alloc,
	.free = sim_free,
	.room = sim_room,
	.queue_open = sim_queue_open,
	.queue_close = sim_queue_close,
	.queue_restart = sim_queue_restart,
	.doorbell = sim_doorbell,
	.wait = sim_wait,
	.set_opp = sim_set_opp,
};
