// SPDX-License-Identifier: MIT
/* One text for a caller who waits for it. */
#include <errno.h>
#include <stdlib.h>

#include "engine/api.h"
#include "engine/generation.h"

/* One turn; what has been asked to stop ends between its parts. */
static int run_turn(struct ct_generation *g, struct ct_gather_party *party)
{
	struct ct_gather *gather = ct_generation_gather(g);
	struct ct_gather_call *call = &g->turn.call;

	call->next = NULL;
	while (!ct_gather_run(gather, party, call)) {
		call = NULL;
		if (ct_generation_canceled(g)) {
			ct_gather_withdraw(gather, &g->turn.call);
			ct_generation_cancel(g);
			return 0;
		}
	}
	return g->turn.call.ret;
}

static int run(struct ct_generation *g, struct ct_err *err)
{
	/* Between turns it has no call in line, so one will do for both models. */
	struct ct_gather_party party = { 0 };
	int ret;

	while (!g->finished) {
		if (ct_generation_canceled(g)) {
			ct_generation_cancel(g);
			break;
		}
		ret = ct_generation_prepare(g, err);
		if (!ret)
			ret = run_turn(g, &party);
		if (ret == -ENOMEM && ct_generation_alone(g))
			continue;
		if (!ret && !g->finished)
			ret = ct_generation_take(g, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* The session is this call's. A failure leaves it as it was. */
static int generate(struct ctrans_session *session, const char *prompt,
		    const struct ctrans_generate_params *params,
		    struct ctrans_result **result, struct ct_err *err)
{
	struct ct_generation g;
	int ret;

	ret = ct_generation_init(&g, session, prompt, params, err);
	if (ret)
		return ret;
	return ct_generation_end(&g, run(&g, err), result, err);
}

int ctrans_session_generate(struct ctrans_session *session, const char *prompt,
			    const struct ctrans_generate_params *params,
			    struct ctrans_result **result)
{
	struct ct_err err = { 0 };
	int ret;

	if (!result)
		return ct_api_return(ct_fail(&err, -EINVAL,
					     "no place for the result: NULL"),
				     &err);
	*result = NULL;
	ret = ct_session_enter(session, &err);
	if (!ret) {
		ret = generate(session, prompt, params, result, &err);
		ct_session_leave(session);
	}
	return ct_api_return(ret, &err);
}

int ctrans_generate(struct ctrans_model *model, const char *prompt,
		    const struct ctrans_generate_params *params,
		    struct ctrans_result **result)
{
	struct ctrans_session *session = NULL;
	struct ct_err err = { 0 };
	int ret;

	if (!model || !result)
		return ct_api_return(ct_fail(&err, -EINVAL,
					     "ctrans_generate() needs a model and a place for the result: one is NULL"),
				     &err);
	*result = NULL;
	ret = ct_session_open(model, &session, &err);
	if (!ret) {
		ret = generate(session, prompt, params, result, &err);
		ctrans_session_close(session);
	}
	return ct_api_return(ret, &err);
}

void ctrans_result_free(struct ctrans_result *result)
{
	if (!result)
		return;
	free(result->text);
	free(result->tokens);
	free(result);
}
