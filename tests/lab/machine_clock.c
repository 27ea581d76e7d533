/* Preloaded into a server under test: the real time of day, and so many seconds as stand in the file $MACHINE_CLOCK
   (eight octets, in the machine's order). Monotonic clocks stay as they are.

   The allocator of the server reads a clock while it is being set up, so nothing here may allocate. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead;

__attribute__((constructor)) static void open_file(void) {
  const char *name = getenv("MACHINE_CLOCK");
  if (name == NULL) return;
  int file = open(name, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void *seconds = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (seconds != MAP_FAILED) ahead = seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int failed = (int)syscall(SYS_clock_gettime, clock, now);
  if (!failed && ahead != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *ahead;
  return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec precise;
  int failed = clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return failed;
}

time_t time(time_t *now) {
  struct timespec precise;
  if (clock_gettime(CLOCK_REALTIME, &precise)) return (time_t)-1;
  if (now != NULL) *now = precise.tv_sec;
  return precise.tv_sec;
}
