// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI Express front end: finds the chip's resources, hands them to
 * ctrans_device.c, which knows no bus.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "ctrans_drv.h"

#define CTRANS_BAR_REGS		0
#define CTRANS_BAR_DOORBELLS	2

static void ctrans_pci_isolate(struct ctrans_device *ct)
{
	pci_clear_master(to_pci_dev(ct->drm.dev));
}

/* Not the one that waits for the device's lock: who has it may wait for us. */
static int ctrans_pci_reset(struct ctrans_device *ct)
{
	return pci_try_reset_function(to_pci_dev(ct->drm.dev));
}

static const struct ctrans_bus_ops ctrans_pci_ops = {
	.isolate = ctrans_pci_isolate,
	.reset = ctrans_pci_reset,
};

static int ctrans_pci_map(struct ctrans_device *ct, struct pci_dev *pdev)
{
	struct device *dev = &pdev->dev;
	int err;

	if (pci_resource_len(pdev, CTRANS_BAR_REGS) < CTRANS_BAR0_SIZE ||
	    pci_resource_len(pdev, CTRANS_BAR_DOORBELLS) <
	    (u64)CTRANS_QUEUES * CTRANS_DB_PAGE_SIZE)
		return dev_err_probe(dev, -ENODEV,
				     "BAR %d or %d is missing or too small\n",
				     CTRANS_BAR_REGS, CTRANS_BAR_DOORBELLS);

	ct->regs = pcim_iomap_region(pdev, CTRANS_BAR_REGS, "ctrans");
	if (IS_ERR(ct->regs))
		return dev_err_probe(dev, PTR_ERR(ct->regs),
				     "cannot map the registers\n");

	err = pcim_request_region(pdev, CTRANS_BAR_DOORBELLS, "ctrans");
	if (err)
		return dev_err_probe(dev, err, "the doorbells are in use\n");
	ct->doorbells = pci_resource_start(pdev, CTRANS_BAR_DOORBELLS);
	return 0;
}

static void ctrans_pci_free_vectors(void *pdev)
{
	pci_free_irq_vectors(pdev);
}

static int ctrans_pci_vectors(struct ctrans_device *ct, struct pci_dev *pdev)
{
	/* Events, and for each half of the queues one for each processor. */
	unsigned int want = min(2 * num_possible_cpus() + 1, CTRANS_VECTORS_MAX);
	int n, err;

	/* MSI-X, else MSI, else the pin. */
	n = pci_alloc_irq_vectors(pdev, 1, want, PCI_IRQ_ALL_TYPES);
	if (n < 0)
		return dev_err_probe(&pdev->dev, n, "no interrupt\n");
	err = devm_add_action_or_reset(&pdev->dev, ctrans_pci_free_vectors, pdev);
	if (err)
		return err;

	ct->n_irqs = n;
	for (int i = 0; i < n; i++)
		ct->irq[i] = pci_irq_vector(pdev, i);
	ct->irq_shared = !pdev->msi_enabled && !pdev->msix_enabled;
	return 0;
}

static int ctrans_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct device *dev = &pdev->dev;
	struct ctrans_device *ct;
	int err;

	ct = devm_drm_dev_alloc(dev, &ctrans_drm_driver, struct ctrans_device, drm);
	if (IS_ERR(ct))
		return PTR_ERR(ct);
	ct->bus = &ctrans_pci_ops;
	pci_set_drvdata(pdev, ct);

	err = pcim_enable_device(pdev);
	if (err)
		return dev_err_probe(dev, err, "cannot enable the device\n");
	err = ctrans_pci_map(ct, pdev);
	if (err)
		return err;

	/* Whatever ran before must not get the bus back: reset, then master. */
	err = ctrans_device_identify(ct);
	if (err)
		return err;

	err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(CTRANS_BUS_BITS));
	if (err)
		err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(32));
	if (err)
		return dev_err_probe(dev, err, "no usable DMA addressing\n");
	err = ctrans_pci_vectors(ct, pdev);
	if (err)
		return err;

	pci_set_master(pdev);
	err = ctrans_device_init(ct);
	if (err) {
		pci_clear_master(pdev);
		return err;
	}
	ctrans_power_start(ct);
	return 0;
}

static void ctrans_pci_remove(struct pci_dev *pdev)
{
	struct ctrans_device *ct = pci_get_drvdata(pdev);

	ctrans_power_end(ct);
	ctrans_device_remove(ct);
	pci_clear_master(pdev);
}

/* What comes next, another kernel perhaps, must not find it writing to memory. */
static void ctrans_pci_shutdown(struct pci_dev *pdev)
{
	ctrans_device_halt(pci_get_drvdata(pdev));
	pci_clear_master(pdev);
}

static void ctrans_pci_reset_prepare(struct pci_dev *pdev)
{
	ctrans_reset_prepare(pci_get_drvdata(pdev));
}

static void ctrans_pci_reset_done(struct pci_dev *pdev)
{
	ctrans_reset_done(pci_get_drvdata(pdev));
}

static pci_ers_result_t ctrans_pci_error_detected(struct pci_dev *pdev,
						  pci_channel_state_t state)
{
	struct ctrans_device *ct = pci_get_drvdata(pdev);

	if (state == pci_channel_io_normal)
		return PCI_ERS_RESULT_CAN_RECOVER;
	ctrans_reset_frozen(ct);
	if (state == pci_channel_io_frozen)
		return PCI_ERS_RESULT_NEED_RESET;
	/* Nothing of it answers: the work finds out, and tells everybody. */
	ctrans_device_cut_off(ct);
	ctrans_reset_schedule(ct);
	return PCI_ERS_RESULT_DISCONNECT;
}

static pci_ers_result_t ctrans_pci_slot_reset(struct pci_dev *pdev)
{
	/* Bus mastering as it was: the chip is quiet until it is told its tables. */
	pci_restore_state(pdev);
	return PCI_ERS_RESULT_RECOVERED;
}

static void ctrans_pci_error_resume(struct pci_dev *pdev)
{
	ctrans_reset_thawed(pci_get_drvdata(pdev));
}

static const struct pci_error_handlers ctrans_pci_err_handler = {
	.error_detected	= ctrans_pci_error_detected,
	.slot_reset	= ctrans_pci_slot_reset,
	.resume		= ctrans_pci_error_resume,
	.reset_prepare	= ctrans_pci_reset_prepare,
	.reset_done	= ctrans_pci_reset_done,
};

static const struct pci_device_id ctrans_pci_ids[] = {
	{ PCI_DEVICE(CTRANS_PCI_VENDOR, CTRANS_PCI_DEVICE) },
	{}
};
MODULE_DEVICE_TABLE(pci, ctrans_pci_ids);

static struct pci_driver ctrans_pci_driver = {
	.name		= "ctrans",
	.id_table	= ctrans_pci_ids,
	.probe		= ctrans_pci_probe,
	.remove		= ctrans_pci_remove,
	.shutdown	= ctrans_pci_shutdown,
	.err_handler	= &ctrans_pci_err_handler,
	.driver.pm	= pm_ptr(&ctrans_power_ops),
	.dev_groups	= ctrans_dev_groups,
};

int ctrans_pci_register(void)
{
	return pci_register_driver(&ctrans_pci_driver);
}

void ctrans_pci_unregister(void)
{
	pci_unregister_driver(&ctrans_pci_driver);
}
