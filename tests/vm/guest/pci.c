// SPDX-License-Identifier: MIT
#include "pci.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"

#define DEVICES	"/sys/bus/pci/devices"

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
	size_t done = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, text + done, size - 1 - done);
		if (n > 0)
			done += (size_t)n;
	} while (n > 0 && done < size - 1);
	n = n < 0 ? -errno : 0;
	close(fd);
	text[done] = 0;
	if (done && text[done - 1] == '\n')
		text[done - 1] = 0;
	return (int)n;
}

static bool is_chip(const char *function)
{
	char path[320], vendor[16], device[16];

	snprintf(path, sizeof(path), DEVICES "/%s/vendor", function);
	if (file_read(path, vendor, sizeof(vendor)))
		return false;
	snprintf(path, sizeof(path), DEVICES "/%s/device", function);
	return !file_read(path, device, sizeof(device)) &&
	       !strcmp(vendor, "0x1234") && !strcmp(device, "0xc7f0");
}

const char *pci_name(void)
{
	static char name[64];
	struct dirent *entry;
	DIR *dir;

	if (name[0])
		return name;
	dir = opendir(DEVICES);
	must(dir);
	while (!name[0] && (entry = readdir(dir)))
		if (is_chip(entry->d_name))
			snprintf(name, sizeof(name), "%.63s", entry->d_name);
	closedir(dir);
	must(name[0]);
	return name;
}

const char *pci_path(const char *attribute)
{
	static char path[192];

	snprintf(path, sizeof(path), DEVICES "/%s/%s", pci_name(),
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
