// SPDX-License-Identifier: MIT
/*
 * Configuration space: what the function says it is, and the four things that
 * writing there does: memory decoding, bus mastering, power and reset.
 */
#include "vdev.h"

#include <linux/pci_regs.h>
#include <string.h>

#define CAP_PM		0x40
#define CAP_EXPRESS	0x50
#define CAP_IRQ		0xa0

#define DEVCTL		(CAP_EXPRESS + PCI_EXP_DEVCTL)
#define PMCSR		(CAP_PM + PCI_PM_CTRL)

#define COMMAND_BITS	(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | \
			 PCI_COMMAND_PARITY | PCI_COMMAND_SERR | \
			 PCI_COMMAND_INTX_DISABLE)

static void put(struct vdev *v, unsigned int at, unsigned int bytes, uint32_t value,
		uint32_t writable)
{
	/* the space is little-endian on every machine */
	for (unsigned int i = 0; i < bytes; i++) {
		v->config[at + i] = (uint8_t)(value >> 8 * i);
		v->writable[at + i] = (uint8_t)(writable >> 8 * i);
	}
}

static uint32_t get(const struct vdev *v, unsigned int at, unsigned int bytes)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint32_t)v->config[at + i] << 8 * i;
	return value;
}

static void put_bars(struct vdev *v)
{
	put(v, PCI_BASE_ADDRESS_0, 4, 0, ~(CTRANS_BAR0_SIZE - 1u));
	put(v, PCI_BASE_ADDRESS_2, 4,
	    PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH,
	    ~((uint32_t)vdev_region_size(v, 2) - 1));
	put(v, PCI_BASE_ADDRESS_3, 4, 0, UINT32_MAX);
	if (v->options.irq == VDEV_MSIX)
		put(v, PCI_BASE_ADDRESS_4, 4, 0, ~(VDEV_BAR4_SIZE - 1));
}

static void put_express(struct vdev *v, unsigned int next)
{
	put(v, CAP_EXPRESS, 2, PCI_CAP_ID_EXP | next << 8, 0);
	put(v, CAP_EXPRESS + PCI_EXP_FLAGS, 2, PCI_EXP_TYPE_ENDPOINT << 4 | 2, 0);
	put(v, CAP_EXPRESS + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_FLR | PCI_EXP_DEVCAP_RBER, 0);
	/* FLR itself reads as zero: it is acted on and not kept */
	put(v, DEVCTL, 2, 0, 0x7fff);
	put(v, CAP_EXPRESS + PCI_EXP_LNKCAP, 4, PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4, 0);
	put(v, CAP_EXPRESS + PCI_EXP_LNKSTA, 2, PCI_EXP_LNKSTA_CLS_2_5GB | 1 << 4, 0);
}

static void put_irq(struct vdev *v)
{
	switch (v->options.irq) {
	case VDEV_MSIX:
		put(v, CAP_IRQ, 2, PCI_CAP_ID_MSIX, 0);
		put(v, CAP_IRQ + PCI_MSIX_FLAGS, 2, VDEV_VECTORS - 1,
		    PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
		put(v, CAP_IRQ + PCI_MSIX_TABLE, 4, 4, 0);
		put(v, CAP_IRQ + PCI_MSIX_PBA, 4, VDEV_BAR4_PBA | 4, 0);
		break;
	case VDEV_MSI:
		put(v, CAP_IRQ, 2, PCI_CAP_ID_MSI, 0);
		/* 2^4 vectors */
		put(v, CAP_IRQ + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_64BIT | 4 << 1,
		    PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
		put(v, CAP_IRQ + PCI_MSI_ADDRESS_LO, 4, 0, 0xfffffffc);
		put(v, CAP_IRQ + PCI_MSI_ADDRESS_HI, 4, 0, UINT32_MAX);
		put(v, CAP_IRQ + PCI_MSI_DATA_64, 2, 0, 0xffff);
		break;
	case VDEV_INTX:
		put(v, PCI_INTERRUPT_PIN, 1, 1, 0);
		break;
	}
}

/* Also what coming back from D3hot leaves: No_Soft_Reset is 0. */
void vdev_config_reset(struct vdev *v)
{
	memset(v->config, 0, sizeof(v->config));
	memset(v->writable, 0, sizeof(v->writable));
	put(v, PCI_VENDOR_ID, 2, CTRANS_PCI_VENDOR, 0);
	put(v, PCI_DEVICE_ID, 2, CTRANS_PCI_DEVICE, 0);
	put(v, PCI_COMMAND, 2, 0, COMMAND_BITS);
	put(v, PCI_STATUS, 2, PCI_STATUS_CAP_LIST, 0);
	put(v, PCI_CLASS_DEVICE, 2, 0x1200, 0);	/* processing accelerator */
	put(v, PCI_CACHE_LINE_SIZE, 1, 0, 0xff);
	put(v, PCI_SUBSYSTEM_VENDOR_ID, 2, CTRANS_PCI_VENDOR, 0);
	put(v, PCI_SUBSYSTEM_ID, 2, CTRANS_PCI_DEVICE, 0);
	put(v, PCI_CAPABILITY_LIST, 1, CAP_PM, 0);
	put(v, PCI_INTERRUPT_LINE, 1, 0, 0xff);
	put_bars(v);
	put(v, CAP_PM, 2, PCI_CAP_ID_PM | CAP_EXPRESS << 8, 0);
	put(v, CAP_PM + PCI_PM_PMC, 2, 3, 0);
	put(v, PMCSR, 2, 0, PCI_PM_CTRL_STATE_MASK);
	put_express(v, v->options.irq == VDEV_INTX ? 0 : CAP_IRQ);
	put_irq(v);
}

void vdev_config_read(struct vdev *v, uint64_t offset, void *data, uint32_t count)
{
	bool line = v->options.irq == VDEV_INTX && v->powered && chip_interrupting(v->chip);

	put(v, PCI_STATUS, 2, PCI_STATUS_CAP_LIST | (line ? PCI_STATUS_INTERRUPT : 0), 0);
	memcpy(data, v->config + offset, count);
}

void vdev_config_write(struct vdev *v, uint64_t offset, const void *data,
		       uint32_t count)
{
	const uint8_t *bytes = data;
	uint32_t was = get(v, PMCSR, 2) & PCI_PM_CTRL_STATE_MASK, state, command;

	for (uint32_t i = 0; i < count; i++) {
		uint8_t *to = &v->config[offset + i], mask = v->writable[offset + i];

		*to = (uint8_t)((*to & ~mask) | (bytes[i] & mask));
		if (offset + i == DEVCTL + 1 && bytes[i] & PCI_EXP_DEVCTL_BCR_FLR >> 8) {
			vdev_flr(v);
			return;
		}
	}
	state = get(v, PMCSR, 2) & PCI_PM_CTRL_STATE_MASK;
	if (state == 1 || state == 2) {
		/* no D1, no D2: the write does not count */
		put(v, PMCSR, 2, was, PCI_PM_CTRL_STATE_MASK);
		state = was;
	}
	if (state != was)
		vdev_set_power(v, state == 0);
	command = get(v, PCI_COMMAND, 2);
	vdev_set_master(v, v->powered && command & PCI_COMMAND_MASTER);
	vdev_irq_disable_intx(v, command & PCI_COMMAND_INTX_DISABLE);
}
