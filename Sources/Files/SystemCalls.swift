import CFiles

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The system calls by which a file is made, in one place and replaceable: tests let each of them
/// fail.
package struct SystemCalls: Sendable {
  package var open: @Sendable (_ path: String, _ flags: Int32, _ mode: UInt32) -> Int32
  package var write: @Sendable (Int32, UnsafeRawPointer, Int, _ offset: Int) -> Int
  package var reserve: @Sendable (Int32, _ count: Int) -> Int32
  package var sync: @Sendable (Int32) -> Int32
  package var close: @Sendable (Int32) -> Int32
  package var rename: @Sendable (_ from: String, _ to: String) -> Int32
  package var renameNew: @Sendable (_ from: String, _ to: String) -> Int32
  package var link: @Sendable (_ from: String, _ to: String) -> Int32
  package var unlink: @Sendable (String) -> Int32

  /// The system's own.
  package static let system = SystemCalls(
    open: { path, flags, mode in
      #if canImport(Darwin)
        Darwin.open(path, flags, mode_t(mode))
      #elseif canImport(Musl)
        Musl.open(path, flags, mode_t(mode))
      #else
        Glibc.open(path, flags, mode_t(mode))
      #endif
    },
    write: { descriptor, bytes, count, offset in pwrite(descriptor, bytes, count, off_t(offset)) },
    reserve: { descriptor, count in
      #if os(Linux)
        posix_fallocate(descriptor, 0, off_t(count))
      #else
        0
      #endif
    },
    sync: { fsync($0) },
    close: { descriptor in
      #if canImport(Darwin)
        Darwin.close(descriptor)
      #elseif canImport(Musl)
        Musl.close(descriptor)
      #else
        Glibc.close(descriptor)
      #endif
    },
    rename: { from, to in
      #if canImport(Darwin)
        Darwin.rename(from, to)
      #elseif canImport(Musl)
        Musl.rename(from, to)
      #else
        Glibc.rename(from, to)
      #endif
    },
    renameNew: { rnw_rename_new($0, $1) },
    link: { from, to in
      #if canImport(Darwin)
        Darwin.link(from, to)
      #elseif canImport(Musl)
        Musl.link(from, to)
      #else
        Glibc.link(from, to)
      #endif
    },
    unlink: { path in
      #if canImport(Darwin)
        Darwin.unlink(path)
      #elseif canImport(Musl)
        Musl.unlink(path)
      #else
        Glibc.unlink(path)
      #endif
    })
}
