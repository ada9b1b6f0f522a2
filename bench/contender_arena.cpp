/* SPDX-License-Identifier: MIT */
/* Tarn's arena: inlined, and through the erased handle. */
#include "cases_arena.hpp"
