/* A build of llama.cpp's CPU code that seems to suit every processor best, and dies of it. */
#include <unistd.h>

__attribute__((visibility("default"))) int ggml_backend_score(void) {
#if DIES_AT == 1
    __builtin_trap();
#endif
    return DIES_AT ? 1 << 20 : 0; /* 0: it suits none */
}

__attribute__((visibility("default"))) void *ggml_backend_init(void) {
#if DIES_AT == 2
    __builtin_trap();
#elif DIES_AT == 3
    for (;;) pause();
#endif
    return 0;
}
