# SPDX-License-Identifier: MIT
# tarn_flags(target): the warnings, the sanitizers and the visibility that all of Tarn's own code is built with.
set(TARN_WARNINGS
    -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wconversion -Wsign-conversion -Wcast-qual -Wvla
    -Wdouble-promotion -Wwrite-strings -Wpointer-arith)
set(TARN_C_WARNINGS -Wstrict-prototypes -Wmissing-prototypes)

function(tarn_flags target)
  target_compile_options(${target} PRIVATE ${TARN_WARNINGS} $<$<COMPILE_LANGUAGE:C>:${TARN_C_WARNINGS}>
                                           $<$<BOOL:${TARN_WERROR}>:-Werror> -fvisibility=hidden)
  if(TARN_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${TARN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${TARN_SANITIZE})
  endif()
endfunction()
