#define _GNU_SOURCE
#include "CProcesses.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#if defined(__linux__)
static int limit(pid_t process, int resource, uint64_t value, uint64_t grace) {
  struct rlimit old;
  if (value == 0) return 0;
  if (prlimit(process, resource, NULL, &old) != 0) return -1;
  struct rlimit new = {value, value + grace};
  // What is limited already stays so.
  if (new.rlim_max > old.rlim_max) new.rlim_max = old.rlim_max;
  if (new.rlim_cur > old.rlim_cur) new.rlim_cur = old.rlim_cur;
  if (new.rlim_cur > new.rlim_max) new.rlim_cur = new.rlim_max;
  return prlimit(process, resource, &new, NULL);
}
#endif

int rnw_limit_process(pid_t process, uint64_t memory, uint64_t seconds) {
#if defined(__linux__)
  // Not the address space: a mapped source takes room there, and no memory that others lack.
  if (limit(process, RLIMIT_DATA, memory, 0) != 0) return -1;
  return limit(process, RLIMIT_CPU, seconds, 5);
#else
  (void)process, (void)memory, (void)seconds;
  errno = ENOSYS;
  return -1;
#endif
}

static uint64_t microseconds(struct timeval time) {
  return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

int rnw_end_group(pid_t process, int *status, rnw_process_usage *usage) {
  siginfo_t ending;
  ending.si_pid = 0;
  // Its number is nobody else's as long as its status is not taken: only until then is the group certain to be its own.
  if (waitid(P_PID, (id_t)process, &ending, WEXITED | WNOHANG | WNOWAIT) != 0) return errno == EINTR ? 0 : -1;
  if (ending.si_pid == 0) return 0;
  kill(-process, SIGKILL);
  struct rusage taken;
  while (wait4(process, status, 0, &taken) < 0) {
    if (errno != EINTR) return -1;
  }
  usage->processor_microseconds = microseconds(taken.ru_utime) + microseconds(taken.ru_stime);
#if defined(__APPLE__)
  usage->peak_bytes = (uint64_t)taken.ru_maxrss;
#else
  usage->peak_bytes = (uint64_t)taken.ru_maxrss * 1024;
#endif
  return 1;
}
