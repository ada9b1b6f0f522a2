/* SPDX-License-Identifier: MIT */
/* thread_guard.c - the byte whose address tells a thread. */
#include "base/thread_guard.h"

#if __STDC_HOSTED__ && !defined(TARN_NO_THREADS)
_Thread_local char tarn_thread_byte[2];
#else
typedef int tarn_thread_guard_is_empty;
#endif
