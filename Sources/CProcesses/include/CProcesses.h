#pragma once

#include <stdint.h>
#include <sys/types.h>

/// Limits what a process that runs may have: bytes of writable memory of its own, and seconds of processor time; 0 for
/// no limit. 0 or -1 with `errno`; ENOSYS where the system limits no process but the calling one.
int rnw_limit_process(pid_t process, uint64_t memory, uint64_t seconds);

/// What a process and its children took.
typedef struct {
  uint64_t processor_microseconds;
  /// The most memory that one of them had at once.
  uint64_t peak_bytes;
} rnw_process_usage;

/// Takes the status of a process that leads a group, if it has ended, and ends what is left of the group.
///
/// 1 where it has ended, 0 where it has not, -1 with `errno`.
int rnw_end_group(pid_t process, int *status, rnw_process_usage *usage);
