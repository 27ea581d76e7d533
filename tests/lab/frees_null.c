/* Preloaded: frees null before the program has allocated anything, as the start of libstdc++ does with glibc 2.44. */
#include <stdlib.h>

__attribute__((constructor)) static void free_nothing(void) {
  void *volatile nothing = NULL;
  free(nothing);
}
