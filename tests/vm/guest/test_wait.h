/* SPDX-License-Identifier: MIT */
#ifndef TEST_WAIT_H
#define TEST_WAIT_H

/* wait_call.c: QUEUE_WAIT */
void deadlines(void);
void interrupted(void);
void many_waiters(void);
void destroyed_under_wait(void);
void one_by_one(void);
void backlog(void);

/* wait_events.c: eventfd, poll(), epoll, io_uring */
void eventfd_armed(void);
void eventfd_of_fault(void);
void eventfd_no_lost(void);
void poll_file(void);
void epoll_file(void);
void epoll_edges(void);
void uring_poll(void);
void arm_rules(void);

#endif
