// SPDX-License-Identifier: MIT
#include "pci.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel.h"
#include "guest.h"

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	n = n < 0 ? -errno : 0;
	close(fd);
	return (int)n;
}

int file_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	text[n < 0 ? 0 : n] = 0;
	text[strcspn(text, "\n")] = 0;
	return n < 0 ? (int)n : 0;
}

const char *pci_name(void)
{
	static char name[64];

	if (!name[0])
		snprintf(name, sizeof(name), "%s", accel_pci_name());
	return name;
}

const char *pci_path(const char *attribute)
{
	static char path[192];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", pci_name(),
		 attribute);
	return path;
}

int pci_write(const char *attribute, const char *text)
{
	return file_write(pci_path(attribute), text);
}

int pci_read(const char *attribute, char *text, size_t size)
{
	return file_read(pci_path(attribute), text, size);
}

long pci_number(const char *attribute)
{
	char text[64];

	must(!pci_read(attribute, text, sizeof(text)));
	return strtol(text, NULL, 0);
}

int pci_unbind(void)
{
	return file_write("/sys/bus/pci/drivers/ctrans/unbind", pci_name());
}

int pci_bind(void)
{
	return file_write("/sys/bus/pci/drivers/ctrans/bind", pci_name());
}
