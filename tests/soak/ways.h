/* SPDX-License-Identifier: MIT */
#ifndef CTRANS_SOAK_WAYS_H
#define CTRANS_SOAK_WAYS_H

#include "caller.h"

int way_again(struct caller *caller, const struct request *request);
int way_pieces(struct caller *caller, const struct request *request);
int way_batch(struct caller *caller, const struct request *request);
int way_carried(struct caller *caller, const struct request *request);

#endif
