import Tensors

/// A block of elements as it is stored: its planes, one after the other.
struct PlaneBlock: Sendable {
  /// The planes.
  let bytes: [UInt8]
  /// The size of each.
  let planeSizes: [Int]
  /// The CRC-32 of the planes.
  let storedChecksum: UInt32
  /// The CRC-32 of the elements.
  let checksum: UInt32
  /// The size of the elements.
  let elementBytes: Int

  /// Encodes blocks that are decoded together: their planes share codes where that costs nothing.
  static func encode(_ blocks: [UnsafeRawBufferPointer], dtype: DType) -> [PlaneBlock] {
    let width = dtype.byteWidth
    var plans = [[Plan]](repeating: [], count: blocks.count)
    for plane in 0..<width {
      for (index, plan) in Self.plans(of: plane, in: blocks, dtype: dtype).enumerated() {
        plans[index].append(plan)
      }
    }
    return zip(blocks, plans).map { PlaneBlock(encoding: $0, dtype: dtype, plans: $1) }
  }

  /// How a plane is stored.
  private enum Plan {
    case zeros
    case raw
    case deflated(LiteralEncoder)
  }

  /// How one plane of each block is stored: not at all where it is zeros, deflated where that is
  /// smaller, else as it is.
  private static func plans(
    of plane: Int, in blocks: [UnsafeRawBufferPointer], dtype: DType
  ) -> [Plan] {
    var plans = [Plan](repeating: .raw, count: blocks.count)
    var candidates: [(block: Int, histogram: [Int], count: Int)] = []
    for (index, elements) in blocks.enumerated() {
      let count = elements.count / dtype.byteWidth
      if isNoise(elements, dtype: dtype, plane: plane) { continue }
      let histogram = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { bytes in
        PlaneBits.split(elements, dtype: dtype, plane: plane, to: bytes)
        return Histogram.counts(of: UnsafeBufferPointer(bytes))
      }
      if histogram[0] == count {
        plans[index] = .zeros
      } else {
        candidates.append((index, histogram, count))
      }
    }
    let encoders = LiteralEncoder.plan(candidates.map(\.histogram))
    for (candidate, encoder) in zip(candidates, encoders) where encoder.byteCount < candidate.count
    {
      plans[candidate.block] = .deflated(encoder)
    }
    return plans
  }

  private init(encoding elements: UnsafeRawBufferPointer, dtype: DType, plans: [Plan]) {
    let count = elements.count / dtype.byteWidth
    var sizes: [Int] = []
    // The encoder may write 8 bytes too many.
    bytes = [UInt8](unsafeUninitializedCapacity: elements.count + 8) { output, used in
      used = 0
      for (plane, plan) in plans.enumerated() {
        let rest = UnsafeMutableBufferPointer(rebasing: output[used...])
        let size = Self.store(plane, of: elements, dtype: dtype, count: count, plan, to: rest)
        sizes.append(size)
        used += size
      }
    }
    planeSizes = sizes
    storedChecksum = bytes.withUnsafeBytes { Checksum.crc32(of: $0) }
    checksum = Checksum.crc32(of: elements)
    elementBytes = elements.count
  }

  /// Stores a plane, and returns how many bytes it takes.
  private static func store(
    _ plane: Int, of elements: UnsafeRawBufferPointer, dtype: DType, count: Int, _ plan: Plan,
    to output: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    switch plan {
    case .zeros:
      return 0
    case .raw:
      PlaneBits.split(
        elements, dtype: dtype, plane: plane,
        to: UnsafeMutableBufferPointer(rebasing: output[..<count]))
      return count
    case .deflated(let encoder):
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { bytes in
        PlaneBits.split(elements, dtype: dtype, plane: plane, to: bytes)
        if let start = output.baseAddress {
          encoder.encode(UnsafeBufferPointer(bytes), to: start)
        }
      }
      return encoder.byteCount
    }
  }

  /// Whether a sample of a plane is so even that Huffman codes could save nothing.
  ///
  /// A mantissa plane is noise; a look at a part of it is enough to see that.
  private static func isNoise(
    _ elements: UnsafeRawBufferPointer, dtype: DType, plane: Int
  ) -> Bool {
    let width = dtype.byteWidth
    let count = elements.count / width
    let runs = count < 4096 ? 1 : 16
    let length = min(count, 4096) / runs
    let sample = runs * length
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: sample) { bytes in
      // Runs of neighbours, spread evenly.
      for run in 0..<runs {
        let start = (count - length) * run / max(runs - 1, 1)
        PlaneBits.split(
          UnsafeRawBufferPointer(rebasing: elements[(start * width)...]), dtype: dtype,
          plane: plane,
          to: UnsafeMutableBufferPointer(rebasing: bytes[run * length..<(run + 1) * length]))
      }
      // Σ n² is smallest for even counts, and exceeds that by about the size of the sample for
      // noise.
      let squares = Histogram.counts(of: UnsafeBufferPointer(bytes)).reduce(0) { $0 + $1 * $1 }
      let even = sample * sample / 256
      return squares <= even + even / 8 + sample / 2 * 3
    }
  }
}

// MARK: - Decoding

extension PlaneBlock {
  /// What decoding a block gave.
  struct Result: Sendable {
    /// Whether all planes gave what they should.
    let isWhole: Bool
    /// The CRC-32 of the planes in the stream.
    let storedChecksum: UInt32
    /// The size of the planes in the stream.
    let storedBytes: Int
    /// The CRC-32 of the elements.
    let checksum: UInt32
    /// The size of the elements.
    let elementBytes: Int
  }

  /// Decodes blocks of a stream, their deflated planes several at a time.
  ///
  /// - Parameter output: the elements of the whole tensor; only those of the blocks are written.
  static func decode(
    _ blocks: [PlaneTable.Block], of stream: UnsafeRawBufferPointer, dtype: DType,
    to output: UnsafeMutableRawBufferPointer
  ) -> [Result] {
    let width = dtype.byteWidth
    let planes = blocks.flatMap { block in
      block.planes.map { StoredPlane(bytes: $0, count: block.elements.count) }
    }
    let room = planes.reduce(0) { $0 + $1.unpackedCount }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: room) { scratch in
      guard let unpacked = unpack(planes, of: stream, to: scratch) else {
        return blocks.map { block in
          Result(
            isWhole: false, storedChecksum: 0, storedBytes: block.stored.count, checksum: 0,
            elementBytes: 0)
        }
      }
      return blocks.indices.map { index in
        let block = blocks[index]
        let elements = block.elements
        let target = UnsafeMutableRawBufferPointer(
          rebasing: output[elements.lowerBound * width..<elements.upperBound * width])
        return Result(
          isWhole: true,
          storedChecksum: Checksum.crc32(
            of: UnsafeRawBufferPointer(rebasing: stream[block.stored])),
          storedBytes: block.stored.count,
          checksum: join(
            Array(unpacked[index * width..<(index + 1) * width]), dtype: dtype, to: target),
          elementBytes: target.count)
      }
    }
  }

  /// Joins planes to elements, and gives the CRC-32 of those: in pieces, so that each is still in the
  /// cache when the checksum reads it.
  private static func join(
    _ planes: [UnsafeBufferPointer<UInt8>], dtype: DType, to output: UnsafeMutableRawBufferPointer
  ) -> UInt32 {
    var checksum: UInt32 = 0
    for start in stride(from: 0, to: planes[0].count, by: pieceElements) {
      let piece = start..<min(start + pieceElements, planes[0].count)
      let target = UnsafeMutableRawBufferPointer(
        rebasing: output[piece.lowerBound * dtype.byteWidth..<piece.upperBound * dtype.byteWidth])
      PlaneBits.join(
        planes.map { UnsafeBufferPointer(rebasing: $0[piece]) }, dtype: dtype, to: target)
      checksum = Checksum.extend(checksum, by: UnsafeRawBufferPointer(target))
    }
    return checksum
  }

  /// So many elements fit into the first-level cache.
  private static let pieceElements = 4096

  /// A plane in a stream.
  private struct StoredPlane {
    let bytes: Range<Int>
    /// The number of its bytes once it is unpacked.
    let count: Int

    var isRaw: Bool { bytes.count == count }
    var unpackedCount: Int { isRaw ? 0 : count }
  }

  /// The bytes of planes: where they lie in the stream, or unpacked into `scratch`.
  ///
  /// Returns `nil` where a plane is damaged.
  private static func unpack(
    _ planes: [StoredPlane], of stream: UnsafeRawBufferPointer,
    to scratch: UnsafeMutableBufferPointer<UInt8>
  ) -> [UnsafeBufferPointer<UInt8>]? {
    var result: [UnsafeBufferPointer<UInt8>] = []
    var deflated: [PlaneDeflate.Work] = []
    var used = 0
    for plane in planes {
      let stored = UnsafeRawBufferPointer(rebasing: stream[plane.bytes])
      if plane.isRaw {
        result.append(stored.assumingMemoryBound(to: UInt8.self))
        continue
      }
      let target = UnsafeMutableBufferPointer(rebasing: scratch[used..<used + plane.count])
      used += plane.count
      result.append(UnsafeBufferPointer(target))
      if stored.isEmpty {
        target.update(repeating: 0)
      } else {
        deflated.append(PlaneDeflate.Work(input: stored, output: target))
      }
    }
    return PlaneDeflate.inflate(deflated) ? result : nil
  }
}

/// How often each byte occurs.
private enum Histogram {
  static func counts(of bytes: UnsafeBufferPointer<UInt8>) -> [Int] {
    // Four tables: an addition to one need not wait for the one before it.
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4 * 256) { tables in
      tables.update(repeating: 0)
      var index = 0
      while index &+ 4 <= bytes.count {
        tables[Int(bytes[index])] &+= 1
        tables[256 | Int(bytes[index &+ 1])] &+= 1
        tables[512 | Int(bytes[index &+ 2])] &+= 1
        tables[768 | Int(bytes[index &+ 3])] &+= 1
        index &+= 4
      }
      while index < bytes.count {
        tables[Int(bytes[index])] += 1
        index += 1
      }
      return (0..<256).map { value in
        (0..<4).reduce(0) { $0 + Int(tables[256 * $1 + value]) }
      }
    }
  }
}
