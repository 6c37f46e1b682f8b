// SPDX-License-Identifier: MIT
#include "fault.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vdev.h"

#define WORDS_MAX	4u
/* Beyond any machine's memory, below CTRANS_BUS_BITS. */
#define STRAY_AT	0xdb0000000000ull
#define WRONG_TAILS	(CHIP_FAULT_CQ_GARBAGE | CHIP_FAULT_CQ_REWIND | CHIP_FAULT_CQ_JUMP)

/* A fault's values, without its name. */
struct words {
	unsigned int n;
	const char *at[WORDS_MAX];
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static bool is_word(const struct words *w, unsigned int i, const char *word)
{
	return i < w->n && !strcmp(w->at[i], word);
}

/* All of the word, from @min to @max. */
static bool number(const struct words *w, unsigned int i, int64_t min, int64_t max,
		   int64_t *to)
{
	char *end;

	if (i >= w->n || !strchr("-0123456789", *w->at[i]))
		return false;
	errno = 0;
	*to = strtoll(w->at[i], &end, 0);
	return !*end && !errno && *to >= min && *to <= max;
}

/* ---- One by one ------------------------------------------------------------ */

static int set_hang(struct vdev *v, const struct words *w)
{
	uint32_t all = CHIP_FAULT_HANG | CHIP_FAULT_HANG_ONE | CHIP_FAULT_HANG_SLOT(0xff);
	int64_t slot;

	if (!w->n)
		chip_change_faults(v->chip, all, CHIP_FAULT_HANG);
	else if (number(w, 0, 0, CTRANS_QUEUES - 1, &slot))
		chip_change_faults(v->chip, all, CHIP_FAULT_HANG | CHIP_FAULT_HANG_ONE |
				   CHIP_FAULT_HANG_SLOT(slot));
	else
		return -EINVAL;
	return 0;
}

static int set_completion(struct vdev *v, const struct words *w)
{
	uint32_t on;

	if (is_word(w, 0, "garbage"))
		on = CHIP_FAULT_CQ_GARBAGE;
	else if (is_word(w, 0, "rewind"))
		on = CHIP_FAULT_CQ_REWIND;
	else if (is_word(w, 0, "jump"))
		on = CHIP_FAULT_CQ_JUMP;
	else
		return -EINVAL;
	chip_change_faults(v->chip, WRONG_TAILS, on);
	return 0;
}

static int set_dma_outside(struct vdev *v, const struct words *w)
{
	int64_t at = STRAY_AT;

	if (w->n && !number(w, 0, 0, (1ll << CTRANS_BUS_BITS) - 1, &at))
		return -EINVAL;
	chip_stray_dma(v->chip, (uint64_t)at);
	return 0;
}

static int set_irqs(struct vdev *v, uint32_t *which, const struct words *w)
{
	int64_t n = VDEV_IRQ_ALL;

	if (w->n && !number(w, 0, 0, VDEV_IRQ_ALL - 1, &n))
		return -EINVAL;
	pthread_mutex_lock(&v->irq.lock);
	*which = (uint32_t)n;
	pthread_mutex_unlock(&v->irq.lock);
	return 0;
}

static int set_drop(struct vdev *v, const struct words *w)
{
	return set_irqs(v, &v->irq.drop, w);
}

static int set_duplicate(struct vdev *v, const struct words *w)
{
	return set_irqs(v, &v->irq.duplicate, w);
}

static int set_spurious(struct vdev *v, const struct words *w)
{
	int64_t vector;

	if (!number(w, 0, 0, VDEV_VECTORS - 1, &vector))
		return -EINVAL;
	vdev_irq_spurious(v, (unsigned int)vector);
	return 0;
}

static int set_all_ones(struct vdev *v, const struct words *w)
{
	bool bars = w->n && is_word(w, w->n - 1, "bars");

	if (w->n > bars && !(w->n == 1u + bars && is_word(w, 0, "on")))
		return -EINVAL;
	v->faults.no_bars = true;
	v->faults.no_config = !bars;
	return 0;
}

static int set_temperature(struct vdev *v, const struct words *w)
{
	bool ramp = is_word(w, 0, "ramp");
	int64_t start, end, ms = 0;

	if (!number(w, ramp, INT32_MIN, INT32_MAX, &start))
		return -EINVAL;
	end = start;
	if (w->n != (ramp ? 4 : 1) || (ramp && (!number(w, 2, INT32_MIN, INT32_MAX, &end) ||
						!number(w, 3, 1, INT32_MAX, &ms))))
		return -EINVAL;
	v->faults.temperature = true;
	v->faults.start_mc = (int32_t)start;
	v->faults.end_mc = (int32_t)end;
	v->faults.ramp_ms = (uint32_t)ms;
	v->faults.since_ms = now_ms();
	return 0;
}

static int set_sensor(struct vdev *v, const struct words *w)
{
	if (is_word(w, 0, "garbage"))
		v->faults.sensor = VDEV_SENSOR_GARBAGE;
	else if (is_word(w, 0, "none"))
		v->faults.sensor = VDEV_SENSOR_NONE;
	else
		return -EINVAL;
	return 0;
}

static int set_evil(struct vdev *v, const struct words *w)
{
	int64_t seed;

	if (!number(w, 0, 0, INT64_MAX, &seed) || (w->n == 2 && !is_word(w, 1, "id")))
		return -EINVAL;
	v->faults.evil = true;
	v->faults.evil_id = w->n == 2;
	v->faults.seed = (uint64_t)seed;
	v->faults.reads = 0;
	return 0;
}

/* ---- Off again -------------------------------------------------------------- */

static void off_drop(struct vdev *v)
{
	set_irqs(v, &v->irq.drop, &(struct words){ 1, { "0" } });
}

static void off_duplicate(struct vdev *v)
{
	set_irqs(v, &v->irq.duplicate, &(struct words){ 1, { "0" } });
}

static void off_all_ones(struct vdev *v)
{
	v->faults.no_bars = false;
	v->faults.no_config = false;
}

static void off_temperature(struct vdev *v)
{
	v->faults.temperature = false;
}

static void off_sensor(struct vdev *v)
{
	v->faults.sensor = VDEV_SENSOR_GOOD;
}

static void off_evil(struct vdev *v)
{
	v->faults.evil = false;
}

/* ---- Said ------------------------------------------------------------------- */

/* As JSON; nothing if it is not set. */

static void say_hang(struct vdev *v, char *to, size_t size)
{
	uint32_t faults = chip_faults(v->chip);

	if (faults & CHIP_FAULT_HANG_ONE)
		snprintf(to, size, "%u", faults / CHIP_FAULT_HANG_SLOT(1));
	else if (faults & CHIP_FAULT_HANG)
		snprintf(to, size, "true");
}

static void say_completion(struct vdev *v, char *to, size_t size)
{
	uint32_t faults = chip_faults(v->chip);

	if (faults & WRONG_TAILS)
		snprintf(to, size, "\"%s\"", faults & CHIP_FAULT_CQ_GARBAGE ? "garbage" :
			 faults & CHIP_FAULT_CQ_REWIND ? "rewind" : "jump");
}

static void say_irqs(struct vdev *v, const uint32_t *which, char *to, size_t size)
{
	uint32_t n;

	pthread_mutex_lock(&v->irq.lock);
	n = *which;
	pthread_mutex_unlock(&v->irq.lock);
	if (n == VDEV_IRQ_ALL)
		snprintf(to, size, "true");
	else if (n)
		snprintf(to, size, "%u", n);
}

static void say_drop(struct vdev *v, char *to, size_t size)
{
	say_irqs(v, &v->irq.drop, to, size);
}

static void say_duplicate(struct vdev *v, char *to, size_t size)
{
	say_irqs(v, &v->irq.duplicate, to, size);
}

static void say_all_ones(struct vdev *v, char *to, size_t size)
{
	if (v->faults.no_bars)
		snprintf(to, size, v->faults.no_config ? "true" : "\"bars\"");
}

static int32_t temperature(const struct vdev_faults *f)
{
	int64_t ms = now_ms() - f->since_ms;

	if (ms >= f->ramp_ms)
		return f->end_mc;
	return (int32_t)(f->start_mc +
			 ((int64_t)f->end_mc - f->start_mc) * ms / f->ramp_ms);
}

static void say_temperature(struct vdev *v, char *to, size_t size)
{
	if (v->faults.temperature)
		snprintf(to, size, "%d", temperature(&v->faults));
}

static void say_sensor(struct vdev *v, char *to, size_t size)
{
	if (v->faults.sensor)
		snprintf(to, size, v->faults.sensor == VDEV_SENSOR_NONE ? "\"none\"" :
			 "\"garbage\"");
}

static void say_evil(struct vdev *v, char *to, size_t size)
{
	if (v->faults.evil)
		snprintf(to, size, "{\"seed\":%" PRIu64 ",\"reads\":%" PRIu64 ",\"id\":%s}",
			 v->faults.seed, v->faults.reads,
			 v->faults.evil_id ? "true" : "false");
}

/* ---- All of them -------------------------------------------------------------- */

struct fault {
	const char *name;
	unsigned int values;	/* at most */
	/* a flag of the chip's or of ours, or what to call */
	uint32_t flags;
	bool *(*ours)(struct vdev *v);
	int (*set)(struct vdev *v, const struct words *w);
	void (*off)(struct vdev *v);
	void (*say)(struct vdev *v, char *to, size_t size);
};

static bool *ours_flr(struct vdev *v)
{
	return &v->faults.ignore_flr;
}

static bool *ours_idle(struct vdev *v)
{
	return &v->faults.never_idle;
}

static const struct fault faults[] = {
	{ "hang", 1, .flags = CHIP_FAULT_HANG | CHIP_FAULT_HANG_ONE,
	  .set = set_hang, .say = say_hang },
	{ "ignore-abort", 0, .flags = CHIP_FAULT_IGNORE_ABORT },
	{ "ignore-context", 0, .flags = CHIP_FAULT_IGNORE_CTX },
	{ "ignore-reset", 0, .flags = CHIP_FAULT_IGNORE_RESET },
	{ "ignore-flr", 0, .ours = ours_flr },
	{ "never-idle", 0, .ours = ours_idle },
	{ "tlb-never-ack", 0, .flags = CHIP_FAULT_NO_TLB_ACK },
	{ "drop-irq", 1, .set = set_drop, .off = off_drop, .say = say_drop },
	{ "duplicate-irq", 1, .set = set_duplicate, .off = off_duplicate,
	  .say = say_duplicate },
	{ "spurious-irq", 1, .set = set_spurious },
	{ "completion", 1, .flags = WRONG_TAILS, .set = set_completion,
	  .say = say_completion },
	{ "dma-outside", 1, .flags = CHIP_FAULT_STRAY_DMA, .set = set_dma_outside },
	{ "all-ones", 2, .set = set_all_ones, .off = off_all_ones, .say = say_all_ones },
	{ "temperature", 4, .set = set_temperature, .off = off_temperature,
	  .say = say_temperature },
	{ "sensor", 1, .set = set_sensor, .off = off_sensor, .say = say_sensor },
	{ "evil", 2, .set = set_evil, .off = off_evil, .say = say_evil },
};

#define FAULTS	(sizeof(faults) / sizeof(faults[0]))

static void turn_off(struct vdev *v, const struct fault *f)
{
	if (f->flags)
		chip_change_faults(v->chip, f->flags, 0);
	if (f->ours)
		*f->ours(v) = false;
	if (f->off)
		f->off(v);
}

static int turn_on(struct vdev *v, const struct fault *f, const struct words *w)
{
	if (w->n > f->values)
		return -EINVAL;
	if (f->set)
		return f->set(v, w);
	if (f->flags)
		chip_change_faults(v->chip, 0, f->flags);
	if (f->ours)
		*f->ours(v) = true;
	return 0;
}

int vdev_fault(struct vdev *v, const char *words)
{
	char line[128], *save = NULL, *name, *word;
	struct words w = { 0 };

	if (strlen(words) >= sizeof(line))
		return -EINVAL;
	strcpy(line, words);
	name = strtok_r(line, " ", &save);
	while ((word = strtok_r(NULL, " ", &save))) {
		if (w.n == WORDS_MAX)
			return -EINVAL;
		w.at[w.n++] = word;
	}
	for (size_t i = 0; name && i < FAULTS; i++) {
		const struct fault *f = &faults[i];

		if (strcmp(f->name, name))
			continue;
		if (w.n != 1 || !is_word(&w, 0, "off"))
			return turn_on(v, f, &w);
		turn_off(v, f);
		return 0;
	}
	return -ENOENT;
}

void vdev_faults_off(struct vdev *v)
{
	for (size_t i = 0; i < FAULTS; i++)
		turn_off(v, &faults[i]);
}

void vdev_faults_list(struct vdev *v, char *to, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < FAULTS; i++) {
		const struct fault *f = &faults[i];
		char value[80] = "";

		if (f->say)
			f->say(v, value, sizeof(value));
		else if (chip_faults(v->chip) & f->flags || (f->ours && *f->ours(v)))
			strcpy(value, "true");
		if (*value)
			n += (size_t)snprintf(to + n, size - n, "%c\"%s\":%s", n ? ',' : '{',
					      f->name, value);
	}
	snprintf(to + n, size - n, n ? "}\n" : "{}\n");
}

void vdev_faults_names(char *to, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < FAULTS; i++)
		n += (size_t)snprintf(to + n, size - n, "%s%s", i ? ", " : "", faults[i].name);
}

/* ---- Reads --------------------------------------------------------------------- */

/* splitmix64: as many good bits as wanted from a seed and a count. */
static uint64_t drawn(uint64_t seed, uint64_t count)
{
	uint64_t x = seed + (count + 1) * 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static uint32_t evil(struct vdev_faults *f, uint32_t offset, uint32_t value)
{
	static const uint32_t extremes[] = { 0, 1, 0x7fffffff, 0x80000000, 0xfffffffe };
	uint64_t draw = drawn(f->seed, f->reads++);
	uint32_t some = (uint32_t)(draw >> 32);

	if (draw % 8 || (offset == CTRANS_REG_ID && !f->evil_id))
		return value;
	switch (draw / 8 % 4) {
	case 0:		return some;
	case 1:		return value ^ 1u << some % 32;
	case 2:		return UINT32_MAX;
	default:	return extremes[some % (sizeof(extremes) / sizeof(extremes[0]))];
	}
}

static bool is_energy(uint32_t offset)
{
	uint32_t q0 = CTRANS_REG_Q(0), in_queue = (offset - q0) % 0x80;

	if (offset >= q0 && offset < CTRANS_REG_Q(CTRANS_QUEUES))
		return in_queue == CTRANS_Q_ENERGY_LO || in_queue == CTRANS_Q_ENERGY_HI;
	return offset == CTRANS_REG_ENERGY_LO || offset == CTRANS_REG_ENERGY_HI;
}

/* None: as a chip without one. Garbage: hotter than the sun, counts that run back. */
static uint32_t sensed(const struct vdev_faults *f, uint32_t offset, uint32_t value)
{
	bool none = f->sensor == VDEV_SENSOR_NONE;

	if (offset == CTRANS_REG_TEMP_MC)
		return none ? CTRANS_TEMP_NONE : INT32_MAX;
	if (offset == CTRANS_REG_POWER_UW)
		return none ? 0 : UINT32_MAX;
	if (is_energy(offset))
		return none ? 0 : ~value;
	return value;
}

uint32_t vdev_fault_read(struct vdev *v, uint32_t offset, uint32_t value)
{
	struct vdev_faults *f = &v->faults;

	if (f->never_idle && offset == CTRANS_REG_QBUSY_LO)
		value |= 1;
	if (f->sensor)
		value = sensed(f, offset, value);
	if (f->temperature && offset == CTRANS_REG_TEMP_MC)
		value = (uint32_t)temperature(f);
	if (f->evil)
		value = evil(f, offset, value);
	return value;
}
