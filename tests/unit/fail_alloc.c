// SPDX-License-Identifier: MIT
#include "fail_alloc.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

/* The linker's names for the functions it wraps. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
int __real_posix_memalign(void **p, size_t align, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
int __wrap_posix_memalign(void **p, size_t align, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

static atomic_ulong count, target;
static atomic_bool armed, hit;

bool fail_alloc_now(void)
{
	if (!atomic_load(&armed))
		return false;
	if (atomic_fetch_add(&count, 1) + 1 != atomic_load(&target))
		return false;
	atomic_store(&hit, true);
	errno = ENOMEM;
	return true;
}

void fail_alloc_at(unsigned long n)
{
	cJSON_Hooks hooks = { .malloc_fn = __wrap_malloc, .free_fn = free };

	cJSON_InitHooks(&hooks);
	atomic_store(&count, 0);
	atomic_store(&target, n);
	atomic_store(&hit, false);
	atomic_store(&armed, true);
}

bool fail_alloc_stop(void)
{
	atomic_store(&armed, false);
	cJSON_InitHooks(NULL);
	return atomic_load(&hit);
}

unsigned long fail_alloc_count(void)
{
	return atomic_load(&count);
}

void *__wrap_malloc(size_t size)
{
	return fail_alloc_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fail_alloc_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fail_alloc_now() ? NULL : __real_realloc(p, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return fail_alloc_now() ? NULL : __real_aligned_alloc(align, size);
}

int __wrap_posix_memalign(void **p, size_t align, size_t size)
{
	return fail_alloc_now() ? ENOMEM :
				  __real_posix_memalign(p, align, size);
}

char *__wrap_strdup(const char *s)
{
	return fail_alloc_now() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fail_alloc_now() ? NULL : __real_strndup(s, n);
}
