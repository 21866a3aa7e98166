/* input.h - where a command reads from: a file by name, or standard input by "-". */
#pragma once
#include "base/text.h"

/* Opens the file to read, or takes standard input for "-" and NULL. -1: it failed, and that was
 * reported. */
int input_open(const char *path);
void input_close(int fd); /* leaves standard input open */

/* Reads standard input to its end. False: it failed or is longer than `bytes_max`, and that was
 * reported. */
bool input_read_all(struct text *out, size_t bytes_max);

/* The size of a regular file that `fd` stands at the start of; 0: not known. */
uint64_t input_size(int fd);
