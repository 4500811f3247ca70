// Included ahead of every C++ file of llama.cpp. GCC 12's AMX intrinsics don't tell the optimiser what they read:
// _tile_loadconfig names 8 of its 64 bytes (GCC PR target/114098) and _tile_loadd none, so stores before them may be
// moved or dropped, and a process that multiplies with a garbled tile configuration dies of SIGILL.
#pragma once
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#define _tile_loadconfig(config) __asm__ volatile("ldtilecfg\t%0" ::"m"(*(const char(*)[64])(config)))
#undef _tile_loadd
#define _tile_loadd(tile, base, stride)              \
  do {                                               \
    __asm__ volatile("" ::: "memory");               \
    _tile_loadd_internal(tile, base, stride);        \
  } while (0)
#endif
