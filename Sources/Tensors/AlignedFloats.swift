import Files
import Synchronization

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
  fileprivate static let hugePage = 2 << 20

  /// The first float.
  package let pointer: UnsafeMutablePointer<Float>

  /// The number of floats.
  package let count: Int

  /// The mapping that the block lies in, where it has one of its own.
  private let mapping: UnsafeMutableRawBufferPointer?

  /// What counts the block.
  private let meter = WorkingMemory.meter

  /// Allocates floats without setting them; where there is no memory for them the program ends.
  package convenience init(count: Int) {
    self.init(count: count, block: Self.block(of: count) ?? Self.allocate(count))
  }

  /// Allocates floats without setting them; `nil` where there is no memory for them.
  package convenience init?(ifPossible count: Int) {
    guard let block = Self.block(of: count) else { return nil }
    self.init(count: count, block: block)
  }

  private typealias Block = (
    start: UnsafeMutableRawPointer, mapping: UnsafeMutableRawBufferPointer?
  )

  private init(count: Int, block: Block) {
    self.count = count
    mapping = block.mapping
    pointer = block.start.bindMemory(to: Float.self, capacity: max(count, 1))
    meter?.add(count * MemoryLayout<Float>.size)
  }

  private static func block(of count: Int) -> Block? {
    let bytes = max(count, 1) * MemoryLayout<Float>.size
    guard bytes >= hugePage else { return allocate(count) }
    guard let mapping = SpareMappings.take(for: bytes) ?? map(bytes), let base = mapping.baseAddress
    else { return nil }
    return (base.alignedUp(toMultipleOf: hugePage), mapping)
  }

  private static func allocate(_ count: Int) -> Block {
    let bytes = max(count, 1) * MemoryLayout<Float>.size
    return (.allocate(byteCount: (bytes + 63) / 64 * 64, alignment: 64), nil)
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
    meter?.add(-count * MemoryLayout<Float>.size)
    if let mapping {
      if !SpareMappings.keep(mapping) { munmap(mapping.baseAddress, mapping.count) }
    } else {
      UnsafeMutableRawPointer(pointer).deallocate()
    }
  }

  /// Lets go of the memory of some floats, whose values are lost; it is there again where it is written.
  package func discard(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    #if os(Linux)
      guard mapping != nil else { return }
      let page = Int(sysconf(Int32(_SC_PAGESIZE)))
      let start = UnsafeMutableRawPointer(pointer + range.lowerBound).alignedUp(
        toMultipleOf: page)
      let end = UnsafeMutableRawPointer(pointer + range.upperBound).alignedDown(
        toMultipleOf: page)
      if start < end { madvise(start, end - start, MADV_DONTNEED) }
    #endif
  }

  /// Maps fresh memory in which so many bytes fit at a multiple of a large page.
  ///
  /// Memory of the allocator may have been used before, in small pages, and stays so. A value of many
  /// channels touches a page for every pixel: with small pages that takes a fifth of the time.
  private static func map(_ bytes: Int) -> UnsafeMutableRawBufferPointer? {
    let count = mappedCount(bytes)
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    guard let base = mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0), base != MAP_FAILED
    else { return nil }
    #if os(Linux)
      madvise(base, count, MADV_HUGEPAGE)
    #endif
    return UnsafeMutableRawBufferPointer(start: base, count: count)
  }

  /// The size of a mapping in which so many bytes fit at a multiple of a large page.
  fileprivate static func mappedCount(_ bytes: Int) -> Int {
    (bytes + hugePage - 1) / hugePage * hugePage + hugePage
  }
}

/// Mappings whose blocks are gone, for blocks to come.
///
/// The system clears every page that it hands out, which takes as long as many a layer: where one value
/// takes the place of another, that is saved.
private enum SpareMappings {
  /// So much is kept at most: a few values of the first layers.
  private static let maximumBytes = 32 << 20

  private struct Mapping: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer
  }

  private static let mappings = Mutex<[Mapping]>([])

  /// A mapping in which so many bytes fit, and that is not much larger; its content is anything.
  static func take(for bytes: Int) -> UnsafeMutableRawBufferPointer? {
    let needed = AlignedFloats.mappedCount(bytes)
    return mappings.withLock { mappings in
      let fits = mappings.indices.filter {
        (needed...needed + needed / 4).contains(mappings[$0].bytes.count)
      }
      let best = fits.min { mappings[$0].bytes.count < mappings[$1].bytes.count }
      return best.map { mappings.remove(at: $0) }
    }?.bytes
  }

  /// Keeps a mapping; false where there are enough.
  static func keep(_ mapping: UnsafeMutableRawBufferPointer) -> Bool {
    let mapping = Mapping(bytes: mapping)
    return mappings.withLock { mappings in
      let kept = mappings.reduce(0) { $0 + $1.bytes.count }
      guard kept + mapping.bytes.count <= maximumBytes else { return false }
      mappings.append(mapping)
      return true
    }
  }
}
