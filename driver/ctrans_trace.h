/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: what happens to queues, memory and the chip. Names and fields stay;
 * fields may be added. Jobs are not seen: they do not pass through the kernel.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ctrans

#if !defined(_CTRANS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _CTRANS_TRACE_H

#include <linux/tracepoint.h>
#include <linux/types.h>

#include "../uapi/ctrans_job.h"

#define ctrans_trace_state(state)					\
	__print_symbolic(state,						\
			 { CTRANS_KQ_READY, "READY" },			\
			 { CTRANS_KQ_FAULTED, "FAULTED" },		\
			 { CTRANS_KQ_TIMEDOUT, "TIMEDOUT" },		\
			 { CTRANS_KQ_LOST, "LOST" })

TRACE_EVENT(ctrans_queue_create,
	    TP_PROTO(unsigned int slot, pid_t pid, u32 sq, u32 cq),
	    TP_ARGS(slot, pid, sq, cq),
	    TP_STRUCT__entry(__field(unsigned int, slot)
			     __field(pid_t, pid)
			     __field(u32, sq)
			     __field(u32, cq)
			     ),
	    TP_fast_assign(__entry->slot = slot;
			   __entry->pid = pid;
			   __entry->sq = sq;
			   __entry->cq = cq;
			   ),
	    TP_printk("slot=%u pid=%d sq=%u cq=%u", __entry->slot, __entry->pid,
		      __entry->sq, __entry->cq)
);

TRACE_EVENT(ctrans_queue_destroy,
	    TP_PROTO(unsigned int slot),
	    TP_ARGS(slot),
	    TP_STRUCT__entry(__field(unsigned int, slot)
			     ),
	    TP_fast_assign(__entry->slot = slot;
			   ),
	    TP_printk("slot=%u", __entry->slot)
);

TRACE_EVENT(ctrans_queue_state,
	    TP_PROTO(unsigned int slot, u32 old, u32 new),
	    TP_ARGS(slot, old, new),
	    TP_STRUCT__entry(__field(unsigned int, slot)
			     __field(u32, old)
			     __field(u32, new)
			     ),
	    TP_fast_assign(__entry->slot = slot;
			   __entry->old = old;
			   __entry->new = new;
			   ),
	    TP_printk("slot=%u old=%s new=%s", __entry->slot,
		      ctrans_trace_state(__entry->old),
		      ctrans_trace_state(__entry->new))
);

/* pending: of queue q bit q */
TRACE_EVENT(ctrans_irq,
	    TP_PROTO(unsigned int vector, u64 pending),
	    TP_ARGS(vector, pending),
	    TP_STRUCT__entry(__field(unsigned int, vector)
			     __field(u64, pending)
			     ),
	    TP_fast_assign(__entry->vector = vector;
			   __entry->pending = pending;
			   ),
	    TP_printk("vector=%u pending=%#llx", __entry->vector, __entry->pending)
);

/* us: how long it took, falling asleep or waking */
TRACE_EVENT(ctrans_power,
	    TP_PROTO(bool awake, u64 us),
	    TP_ARGS(awake, us),
	    TP_STRUCT__entry(__field(bool, awake)
			     __field(u64, us)
			     ),
	    TP_fast_assign(__entry->awake = awake;
			   __entry->us = us;
			   ),
	    TP_printk("awake=%d us=%llu", __entry->awake, __entry->us)
);

/* rung: "abort", "context", "chip", "bus", "wedged"; slot: whose job it is about */
TRACE_EVENT(ctrans_recovery,
	    TP_PROTO(const char *rung, int slot, bool ok),
	    TP_ARGS(rung, slot, ok),
	    TP_STRUCT__entry(__string(rung, rung)
			     __field(int, slot)
			     __field(bool, ok)
			     ),
	    TP_fast_assign(__assign_str(rung);
			   __entry->slot = slot;
			   __entry->ok = ok;
			   ),
	    TP_printk("rung=%s slot=%d ok=%d", __get_str(rung), __entry->slot,
		      __entry->ok)
);

TRACE_EVENT(ctrans_fault,
	    TP_PROTO(unsigned int slot, u32 error, u32 insn, u64 va),
	    TP_ARGS(slot, error, insn, va),
	    TP_STRUCT__entry(__field(unsigned int, slot)
			     __field(u32, error)
			     __field(u32, insn)
			     __field(u64, va)
			     ),
	    TP_fast_assign(__entry->slot = slot;
			   __entry->error = error;
			   __entry->insn = insn;
			   __entry->va = va;
			   ),
	    TP_printk("slot=%u error=%u insn=%d va=%#llx", __entry->slot,
		      __entry->error, (int)__entry->insn, __entry->va)
);

TRACE_EVENT(ctrans_bind,
	    TP_PROTO(unsigned int ctx, u64 va, u64 size, u32 flags),
	    TP_ARGS(ctx, va, size, flags),
	    TP_STRUCT__entry(__field(unsigned int, ctx)
			     __field(u64, va)
			     __field(u64, size)
			     __field(u32, flags)
			     ),
	    TP_fast_assign(__entry->ctx = ctx;
			   __entry->va = va;
			   __entry->size = size;
			   __entry->flags = flags;
			   ),
	    TP_printk("ctx=%u va=%#llx size=%#llx flags=%#x", __entry->ctx,
		      __entry->va, __entry->size, __entry->flags)
);

TRACE_EVENT(ctrans_unbind,
	    TP_PROTO(unsigned int ctx, u64 va, u64 size),
	    TP_ARGS(ctx, va, size),
	    TP_STRUCT__entry(__field(unsigned int, ctx)
			     __field(u64, va)
			     __field(u64, size)
			     ),
	    TP_fast_assign(__entry->ctx = ctx;
			   __entry->va = va;
			   __entry->size = size;
			   ),
	    TP_printk("ctx=%u va=%#llx size=%#llx", __entry->ctx, __entry->va,
		      __entry->size)
);

TRACE_EVENT(ctrans_opp,
	    TP_PROTO(u32 khz),
	    TP_ARGS(khz),
	    TP_STRUCT__entry(__field(u32, khz)
			     ),
	    TP_fast_assign(__entry->khz = khz;
			   ),
	    TP_printk("khz=%u", __entry->khz)
);

#endif

/* The build finds it beside ctrans_trace.c, inside and outside of a kernel tree. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE ctrans_trace
#include <trace/define_trace.h>
