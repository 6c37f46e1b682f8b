// SPDX-License-Identifier: MIT
/* The regions of the function: what reading and writing its BARs does. */
#include "vdev.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>

#include "uapi/ctrans_job.h"

uint64_t vdev_region_size(const struct vdev *v, uint32_t region)
{
	switch (region) {
	case VFIO_PCI_BAR0_REGION_INDEX:
		return CTRANS_BAR0_SIZE;
	case VFIO_PCI_BAR2_REGION_INDEX:
		return (uint64_t)CTRANS_QUEUES * CTRANS_DB_PAGE_SIZE;
	case VFIO_PCI_BAR4_REGION_INDEX:
		return v->options.irq == VDEV_MSIX ? VDEV_BAR4_SIZE : 0;
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return VDEV_CONFIG_SIZE;
	default:
		return 0;
	}
}

static bool decodes(const struct vdev *v)
{
	return v->powered && v->config[PCI_COMMAND] & PCI_COMMAND_MEMORY;
}

static void msix_read(struct vdev *v, uint64_t offset, uint8_t *data, uint32_t count)
{
	uint32_t pending = vdev_irq_pending(v);

	for (uint32_t i = 0; i < count; i++) {
		uint64_t at = offset + i;

		if (at < sizeof(v->table))
			data[i] = v->table[at];
		else if (at < VDEV_BAR4_PBA + sizeof(pending))
			data[i] = (uint8_t)(pending >> 8 * (at - VDEV_BAR4_PBA));
		else
			data[i] = 0;
	}
}

static void bar_read(struct vdev *v, uint32_t region, uint64_t offset, void *data,
		     uint32_t count)
{
	uint32_t value;

	if (!decodes(v)) {
		if (!v->powered)
			vdev_count(v, VDEV_POWERED_DOWN, offset);
		memset(data, 0xff, count);
	} else if (v->faults.no_bars) {
		memset(data, 0xff, count);
	} else if (region == VFIO_PCI_BAR2_REGION_INDEX) {
		memset(data, 0, count);
	} else if (region == VFIO_PCI_BAR4_REGION_INDEX) {
		msix_read(v, offset, data, count);
	} else if (count == 4 && offset % 4 == 0) {
		value = vdev_fault_read(v, (uint32_t)offset,
					chip_read(v->chip, (uint32_t)offset));
		memcpy(data, &value, 4);
	} else {
		memset(data, 0xff, count);
	}
}

static void bar_write(struct vdev *v, uint32_t region, uint64_t offset,
		      const void *data, uint32_t count)
{
	uint32_t value;

	if (!decodes(v)) {
		if (!v->powered)
			vdev_count(v, VDEV_POWERED_DOWN, offset);
		return;
	}
	if (v->faults.no_bars)
		return;
	if (region == VFIO_PCI_BAR4_REGION_INDEX) {
		if (offset < sizeof(v->table))
			memcpy(v->table + offset, data,
			       count < sizeof(v->table) - offset ? count :
			       sizeof(v->table) - offset);
		return;
	}
	if (count != 4 || offset % 4)
		return;
	memcpy(&value, data, 4);
	if (region == VFIO_PCI_BAR2_REGION_INDEX)
		chip_doorbell(v->chip, (unsigned int)(offset / CTRANS_DB_PAGE_SIZE),
			      (uint32_t)(offset % CTRANS_DB_PAGE_SIZE), value);
	else
		chip_write(v->chip, (uint32_t)offset, value);
}

static bool inside(const struct vdev *v, uint32_t region, uint64_t offset,
		   uint32_t count)
{
	uint64_t size = vdev_region_size(v, region);

	return offset <= size && count <= size - offset;
}

int vdev_region_read(struct vdev *v, uint32_t region, uint64_t offset, void *data,
		     uint32_t count)
{
	if (!inside(v, region, offset, count))
		return -EINVAL;
	if (region != VFIO_PCI_CONFIG_REGION_INDEX)
		bar_read(v, region, offset, data, count);
	else if (v->faults.no_config)
		memset(data, 0xff, count);
	else
		vdev_config_read(v, offset, data, count);
	return 0;
}

int vdev_region_write(struct vdev *v, uint32_t region, uint64_t offset,
		      const void *data, uint32_t count)
{
	if (!inside(v, region, offset, count))
		return -EINVAL;
	if (region != VFIO_PCI_CONFIG_REGION_INDEX)
		bar_write(v, region, offset, data, count);
	else if (!v->faults.no_config)
		vdev_config_write(v, offset, data, count);
	return 0;
}
