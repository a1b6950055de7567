#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A block of floats aligned to a cache line, on large pages where it is large; freed with its last user.
package final class AlignedFloats: @unchecked Sendable {
  /// The size of a large page of memory.
  private static let hugePage = 2 << 20

  /// The first float.
  package let pointer: UnsafeMutablePointer<Float>

  /// The number of floats.
  package let count: Int

  /// The mapping that the block lies in, where it has one of its own.
  private let mapping: UnsafeMutableRawBufferPointer?

  /// Allocates floats without setting them.
  package init(count: Int) {
    self.count = count
    let bytes = max(count, 1) * MemoryLayout<Float>.size
    mapping = bytes >= Self.hugePage ? Self.map(bytes) : nil
    let start: UnsafeMutableRawPointer
    if let mapping, let base = mapping.baseAddress {
      start = base.alignedUp(toMultipleOf: Self.hugePage)
    } else {
      start = .allocate(byteCount: (bytes + 63) / 64 * 64, alignment: 64)
    }
    pointer = start.bindMemory(to: Float.self, capacity: max(count, 1))
  }

  /// Copies values.
  package convenience init(_ values: [Float]) {
    self.init(count: values.count)
    values.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { pointer.update(from: start, count: source.count) }
    }
  }

  /// Zeros.
  package convenience init(zeros count: Int) {
    self.init(count: count)
    pointer.update(repeating: 0, count: count)
  }

  deinit {
    if let mapping {
      munmap(mapping.baseAddress, mapping.count)
    } else {
      UnsafeMutableRawPointer(pointer).deallocate()
    }
  }

  /// Maps fresh memory in which so many bytes fit at a multiple of a large page.
  ///
  /// Memory of the allocator may have been used before, in small pages, and stays so. A value of many
  /// channels touches a page for every pixel: with small pages that takes a fifth of the time.
  private static func map(_ bytes: Int) -> UnsafeMutableRawBufferPointer? {
    let count = (bytes + hugePage - 1) / hugePage * hugePage + hugePage
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    guard let base = mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0), base != MAP_FAILED
    else { return nil }
    #if os(Linux)
      madvise(base, count, MADV_HUGEPAGE)
    #endif
    return UnsafeMutableRawBufferPointer(start: base, count: count)
  }
}
