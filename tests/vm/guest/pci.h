/* SPDX-License-Identifier: MIT */
/*
 * The PCI function of the first chip, as sysfs has it, bound or not. Its name is
 * looked up once: call pci_name() before it may be removed.
 */
#ifndef PCI_H
#define PCI_H

#include <stddef.h>

/* Any file; 0 or -errno. read: without the newline at its end. */
int file_write(const char *path, const char *text);
int file_read(const char *path, char *text, size_t size);

/* "0000:00:03.0" */
const char *pci_name(void);
/* "/sys/bus/pci/devices/0000:00:03.0/ATTRIBUTE" */
const char *pci_path(const char *attribute);
int pci_write(const char *attribute, const char *text);
int pci_read(const char *attribute, char *text, size_t size);
/* A number that has to be there. */
long pci_number(const char *attribute);

int pci_unbind(void);
int pci_bind(void);

#endif
