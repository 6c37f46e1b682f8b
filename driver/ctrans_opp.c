// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operating points: which voltage and clock the chip can have, and which it is to
 * have. The table is read once. The wish is ours, the register only shows it to
 * the chip, which forgets it in every reset and sleep: so nobody needs to ask the
 * chip, or wake it, to know.
 */
#include <linux/pm_opp.h>
#include <linux/units.h>

#include <kunit/visibility.h>

#include "ctrans_drv.h"
#include "ctrans_trace.h"

static void ctrans_opp_read(struct ctrans_device *ct, u32 index, struct ctrans_opp *opp)
{
	ctrans_write(ct, CTRANS_REG_OPP_INDEX, index);
	opp->mv = ctrans_read(ct, CTRANS_REG_OPP_MV);
	opp->khz = ctrans_read(ct, CTRANS_REG_OPP_KHZ);
	opp->uw = ctrans_read(ct, CTRANS_REG_OPP_UW);
}

/* Those who choose by clock or by power must find both going the same way. */
VISIBLE_IF_KUNIT bool ctrans_opp_plausible(const struct ctrans_opp *opp, u32 count)
{
	for (u32 i = 0; i < count; i++, opp++) {
		if (!opp->khz || opp->khz > ULONG_MAX / HZ_PER_KHZ)
			return false;
		if (i && (opp->khz <= opp[-1].khz || opp->mv < opp[-1].mv ||
			  opp->uw < opp[-1].uw))
			return false;
	}
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_opp_plausible);

static bool ctrans_opp_read_table(struct ctrans_device *ct)
{
	u32 count = ctrans_read(ct, CTRANS_REG_OPP_COUNT);
	u32 now = ctrans_read(ct, CTRANS_REG_OPP);

	if (!count || count > CTRANS_OPPS_MAX || now >= count)
		return false;
	for (u32 i = 0; i < count; i++)
		ctrans_opp_read(ct, i, &ct->opps[i]);
	if (!ctrans_opp_plausible(ct->opps, count))
		return false;
	ct->n_opps = count;
	ct->opp = now;
	return true;
}

static void ctrans_opp_remove(void *dev)
{
	dev_pm_opp_remove_all_dynamic(dev);
}

/**
 * ctrans_opp_init() - learn the operating points of a chip that was just reset
 * @ct: the device
 *
 * A table that makes no sense leaves the chip at the point that it has.
 *
 * Return: 0 or a negative errno.
 */
int ctrans_opp_init(struct ctrans_device *ct)
{
	struct device *dev = ct->drm.dev;
	int err;

	if (!ctrans_opp_read_table(ct)) {
		dev_warn(dev, "the chip's operating points make no sense; it keeps the one it has\n");
		ctrans_opp_read(ct, ctrans_read(ct, CTRANS_REG_OPP), &ct->opps[0]);
		ct->n_opps = 1;
		ct->opp = 0;
		return 0;
	}
	err = devm_add_action_or_reset(dev, ctrans_opp_remove, dev);
	for (unsigned int i = 0; !err && i < ct->n_opps; i++)
		err = dev_pm_opp_add(dev, ct->opps[i].khz * HZ_PER_KHZ,
				     (unsigned long)ct->opps[i].mv * 1000);
	/* A kernel without the framework has nobody who would change it. */
	return err == -EOPNOTSUPP ? 0 : err;
}

/**
 * ctrans_opp_now() - the operating point that the chip has, or has when it wakes
 * @ct: the device
 *
 * Return: the point.
 */
const struct ctrans_opp *ctrans_opp_now(struct ctrans_device *ct)
{
	return &ct->opps[READ_ONCE(ct->opp)];
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_opp_now);

/**
 * ctrans_opp_apply() - tell the chip
 * @ct: the device, awake; slots_lock is held
 *
 * After everything that makes it forget.
 */
void ctrans_opp_apply(struct ctrans_device *ct)
{
	lockdep_assert_held(&ct->slots_lock);
	if (ct->n_opps > 1)
		ctrans_write(ct, CTRANS_REG_OPP, ct->opp);
}

/**
 * ctrans_opp_set() - change the operating point, for jobs from here on
 * @ct: the device; one that sleeps has it when it wakes
 * @hz: clock of one of the points
 *
 * Return: 0, or -EINVAL when no point has this clock.
 */
int ctrans_opp_set(struct ctrans_device *ct, unsigned long hz)
{
	unsigned int i;
	bool plugged;
	int idx;

	for (i = 0; i < ct->n_opps; i++)
		if (ct->opps[i].khz * HZ_PER_KHZ == hz)
			break;
	if (i == ct->n_opps)
		return -EINVAL;

	plugged = drm_dev_enter(&ct->drm, &idx);
	mutex_lock(&ct->slots_lock);
	if (i != ct->opp)
		trace_ctrans_opp(ct->opps[i].khz);
	WRITE_ONCE(ct->opp, i);
	if (plugged && !ct->asleep)
		ctrans_opp_apply(ct);
	mutex_unlock(&ct->slots_lock);
	if (plugged)
		drm_dev_exit(idx);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_opp_set);
