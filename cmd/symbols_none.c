/* SPDX-License-Identifier: MIT */
/* No libdw on the machine that built tarn: file and offset. */
#include "cmd/symbols.h"

#include <stdio.h>
#include <string.h>

symbols *symbols_open(const tarn_trace *trace)
{
    return (symbols *)(uintptr_t)trace;
}

void symbols_name(symbols *names, const tarn_trace_frame *frame, char *out, size_t room)
{
    const tarn_trace_module *m =
        tarn_trace_get_module((const tarn_trace *)(const void *)names, frame->module);
    const char *slash = m ? strrchr(m->path, '/') : NULL;
    const char *name = !m ? "?" : slash ? slash + 1 : m->path;
    snprintf(out, room, "%s+0x%llx", name, (unsigned long long)frame->offset);
}

void symbols_close(symbols *names)
{
    (void)names;
}
