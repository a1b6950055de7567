#pragma once

/// Gives a file another name, where nothing has that name yet; 0 or -1 with `errno`, as rename(2).
///
/// ENOSYS and EINVAL say that the system or the file system cannot do so in one step.
int rnw_rename_new(const char *from, const char *to);
