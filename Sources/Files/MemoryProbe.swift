#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Whether memory can be had: Swift's own containers end the program where it cannot.
package enum MemoryProbe {
  /// Less than this is not worth asking for.
  private static let smallest = 8 << 20

  /// Whether a block of so many bytes could be had just now.
  package static func canHave(_ count: Int) -> Bool {
    guard count > smallest else { return true }
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    guard let block = mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0), block != MAP_FAILED
    else { return false }
    munmap(block, count)
    return true
  }
}
