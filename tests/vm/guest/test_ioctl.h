/* SPDX-License-Identifier: MIT */
#ifndef TEST_IOCTL_H
#define TEST_IOCTL_H

/* ioctl_shape.c */
void version(void);
void requests(void);
void pointers(void);
void grown(void);
void shrunk(void);
void readonly_argument(void);
void dev_query(void);

/* ioctl_bo.c */
void bo_good(void);
void bo_bad(void);
void bo_zeroed(void);
void bo_huge(void);
void bo_foreign(void);

/* ioctl_vm.c */
void vm_good(void);
void vm_bad(void);
void bind_good(void);
void bind_bad(void);
void bind_ranges(void);
void bind_partial(void);
void bind_stride(void);
void bind_readonly(void);

/* ioctl_queue.c */
void queue_good(void);
void queue_bad(void);
void queue_ids(void);
void queue_ring_place(void);
void queue_restarts(void);

/* ioctl_limits.c */
void limit_vms(void);
void limit_bindings(void);
void limit_tables(void);
void limit_queues(void);
void limit_chip(void);
void no_leak(void);
void no_leak_of_failures(void);

#endif
