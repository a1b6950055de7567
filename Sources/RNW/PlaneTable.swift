import Tensors

/// Where the planes of each block lie in a stream of the codec ``Planes``.
struct PlaneTable {
  /// The most elements that a block may have.
  static let largestBlock = 1 << 24

  /// The size of the part of a stream before its table.
  private static let prefixBytes = 8

  /// Elements that can be decoded without the others.
  struct Block: Sendable {
    /// The elements, counted over the tensor.
    let elements: Range<Int>
    /// The planes in the stream, highest byte first.
    let planes: [Range<Int>]

    /// All planes in the stream.
    var stored: Range<Int> {
      (planes.first?.lowerBound ?? 0)..<(planes.last?.upperBound ?? 0)
    }
  }

  /// The blocks in their order.
  private(set) var blocks: [Block] = []

  /// The size of what stands before the blocks.
  let byteCount: Int

  /// Reads the table of a stream; `nil` where it does not describe exactly this tensor and stream.
  init?(_ stream: UnsafeRawBufferPointer, dtype: DType, shape: Shape) {
    let width = dtype.byteWidth
    guard stream.count >= Self.prefixBytes else { return nil }
    let perBlock = Int(stream.littleEndian(at: 0))
    let count = Int(stream.littleEndian(at: 4))
    // A power of two, so that no single wrong bit gives another number that would do.
    guard perBlock.nonzeroBitCount == 1, perBlock <= Self.largestBlock else { return nil }
    let elements = shape.elementCount
    guard count == elements / perBlock + (elements % perBlock == 0 ? 0 : 1),
      count <= (stream.count - Self.prefixBytes) / (4 * width)
    else { return nil }
    byteCount = Self.prefixBytes + 4 * width * count
    var offset = byteCount
    for index in 0..<count {
      let first = index * perBlock
      let block = first..<min(first + perBlock, elements)
      var planes: [Range<Int>] = []
      for plane in 0..<width {
        let size = Int(stream.littleEndian(at: Self.prefixBytes + 4 * (index * width + plane)))
        guard size <= block.count, size <= stream.count - offset else { return nil }
        planes.append(offset..<offset + size)
        offset += size
      }
      blocks.append(Block(elements: block, planes: planes))
    }
    guard offset == stream.count else { return nil }
  }

  /// The bytes of a table.
  static func bytes(perBlock: Int, planeSizes: [[Int]]) -> [UInt8] {
    var bytes: [UInt8] = []
    for value in [perBlock, planeSizes.count] + planeSizes.joined() {
      for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
    return bytes
  }
}

extension UnsafeRawBufferPointer {
  /// A little-endian 32-bit number; the caller has checked the size.
  fileprivate func littleEndian(at offset: Int) -> UInt32 {
    loadUnaligned(fromByteOffset: offset, as: UInt32.self).littleEndian
  }
}
