/* fuzz.h - what a fuzz target defines: a function of any bytes, which must not crash, leak or break
 * an assertion. libFuzzer calls it, or replay.c with the files of a corpus. */
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* returns 0 */
