/* SPDX-License-Identifier: MIT */
/* range_any.h - for the rooms that work on any range: has its table this entry? */
#ifndef TARN_STRATEGY_RANGE_ANY_H
#define TARN_STRATEGY_RANGE_ANY_H

#include <tarn/range.h>

#define RANGE_HAS(r, field)                                                                        \
    ((r)->ops->bytes >= offsetof(tarn_range_ops, field) + sizeof((r)->ops->field) &&               \
     (r)->ops->field != NULL)

#endif
