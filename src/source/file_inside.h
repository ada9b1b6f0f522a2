/* SPDX-License-Identifier: MIT */
/*
 * file_inside.h - opening a file in two steps, for those who look into it before they map it.
 */
#ifndef TARN_SOURCE_FILE_INSIDE_H
#define TARN_SOURCE_FILE_INSIDE_H

#include <tarn/file.h>

/* Open it, f->fd is there; nothing is mapped, nothing grown. */
tarn_status tarn_file_start(tarn_file *f, const tarn_file_options *o);

/* Bring an open file to o->size bytes and map o->limit of them. */
tarn_status tarn_file_establish(tarn_file *f, const tarn_file_options *o);

/* Unmap and close one that was started, whether it was established or not. */
void tarn_file_drop(tarn_file *f);

/* What a refusal of the system's is called. */
tarn_status tarn_file_status(int error);

/* Another process has made the file that long. */
void tarn_file_has_grown(tarn_file *f, size_t size);

#endif
