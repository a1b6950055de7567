package import Files
import FoundationEssentials
import Safetensors
package import Tensors
import Threads

/// How tensors are stored.
package enum RNWCodec: String, Sendable, CaseIterable, Codable {
  /// As they are: mapped by a reader without a copy, and open to every safetensors reader.
  case none
  /// Losslessly compressed.
  case planes
}

/// A `.rnw` that is being written: its tensors are there, its place and its certificate not yet.
///
/// The file can be read under ``path`` before it is committed: that is how a conversion proves what
/// it wrote.
package struct RNWDraft: Sendable {
  /// What is known of a file before its tensors are compared.
  package struct Records: Sendable {
    /// The network, as JSON.
    package var configuration: String
    /// The major version of the format that can express the network.
    package var formatMajor: Int
    /// The preprocessing, as JSON.
    package var preprocessing: String
    /// The source, as JSON; whole only when the draft is committed.
    package var source: String
    /// The certificate, as JSON, once there is one.
    package var certificate: String?

    package init(
      configuration: String, formatMajor: Int = 1, preprocessing: String, source: String
    ) {
      self.configuration = configuration
      self.formatMajor = formatMajor
      self.preprocessing = preprocessing
      self.source = source
    }
  }

  private let output: OutputFile
  private let layout: SafetensorsLayout
  private let tensorRecords: String
  private let reservedBytes: Int

  /// The number of bytes of the file.
  package let byteCount: Int

  /// The path under which the draft can be read.
  package var path: String { output.temporaryPath }

  /// Writes all tensors, and a header without certificate.
  ///
  /// - Parameters:
  ///   - certificateBytes: how much the records may grow until ``commit(_:)``.
  /// - Throws: `InputError` of kind `writeFailed`.
  package init(
    _ tensors: [(name: String, data: TensorData)], codec: RNWCodec, records: Records,
    certificateBytes: Int, to output: OutputFile, threads: Int
  ) throws {
    let withScales = tensors.flatMap { name, data in
      let scales = data.channelScales.map { TensorData(shape: [$0.count], values: $0) }
      return [(name, data)] + (scales.map { [(name.scalesName, $0)] } ?? [])
    }
    let total = withScales.reduce(0) { $0 + $1.1.byteCount }
    let budget = WorkingMemory.shared(among: total)
    let stored = try concurrentMap(
      withScales, threads: threads, sharing: budget, bytes: { $0.1.byteCount }
    ) { tensor, threads in
      let (name, data) = tensor
      let isPacked = codec == .planes && Planes.canEncode(data.dtype) && data.shape.elementCount > 0
      return try StoredTensor(
        name: name, data: data, isPacked: isPacked, keepsStream: total <= WorkingMemory.whole,
        threads: threads)
    }
    self.output = output
    // Without codec every safetensors reader shall find every tensor.
    let duplicates =
      codec == .planes
      ? DuplicateTensors(in: stored.map { ($0.name, $0.data, $0.checksum) }) : DuplicateTensors()
    layout = SafetensorsLayout(
      stored.filter { duplicates.places[$0.name] == nil }.map(\.info))
    tensorRecords = try Self.json(
      Dictionary(
        uniqueKeysWithValues: stored.map {
          ($0.name, $0.record(sameAs: duplicates.places[$0.name]))
        }))
    let header = layout.header(metadata: Self.metadata(records, tensors: tensorRecords))
    reservedBytes =
      layout.header(
        metadata: Self.metadata(records, tensors: tensorRecords),
        reserving: header.count + certificateBytes
      ).count
    byteCount = reservedBytes + layout.dataCount
    try output.reserve(byteCount)
    let byName = Dictionary(uniqueKeysWithValues: stored.map { ($0.name, $0) })
    let base = reservedBytes
    _ = try concurrentMap(
      layout.entries, threads: threads, sharing: budget,
      bytes: { byName[$0.info.name]?.data.byteCount ?? 0 }
    ) { entry, threads in
      try byName[entry.info.name]?.write(
        to: output, at: base + entry.offset, threads: threads)
    }
    try output.write(
      layout.header(
        metadata: Self.metadata(records, tensors: tensorRecords), reserving: reservedBytes), at: 0)
  }

  /// Writes the final header, makes the file durable and puts it into its place.
  ///
  /// - Throws: `InputError` of kind `writeFailed`; what was there before is then untouched.
  package func commit(_ records: Records) throws {
    try writeHeader(records)
    try output.commit()
  }

  private func writeHeader(_ records: Records) throws {
    let header = layout.header(
      metadata: Self.metadata(records, tensors: tensorRecords), reserving: reservedBytes)
    precondition(header.count == reservedBytes, "the records outgrew the space kept for them")
    try output.write(header, at: 0)
  }

  private static func metadata(_ records: Records, tensors: String) -> [String: String] {
    var metadata = [
      MetadataKey.format: "rnw",
      MetadataKey.version: FormatVersion.text(major: records.formatMajor),
      MetadataKey.tensors: tensors,
      MetadataKey.configuration: records.configuration,
      MetadataKey.preprocessing: records.preprocessing,
      MetadataKey.source: records.source,
    ]
    metadata[MetadataKey.certificate] = records.certificate
    metadata[MetadataKey.checksum] = MetadataChecksum.text(
      of: metadata.map { (key: $0.key, value: $0.value) })
    return metadata
  }

  private static func json(_ records: [String: TensorRecord]) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(records), as: UTF8.self)
  }
}

/// A tensor as it goes into the file.
private struct StoredTensor: Sendable {
  let name: String
  let data: TensorData
  let checksum: UInt32
  private let packed: Packed?

  /// What is known of a compressed tensor, and the stream itself unless it is made again to be written.
  private struct Packed: Sendable {
    let byteCount: Int
    let checksum: UInt32
    let stream: Planes.Stream?
  }

  init(name: String, data: TensorData, isPacked: Bool, keepsStream: Bool, threads: Int) throws {
    (self.name, self.data) = (name, data)
    guard isPacked else {
      packed = nil
      checksum = data.withUnsafeBytes(Checksum.crc32)
      return
    }
    let stream = try Planes.encode(data, threads: threads)
    packed = Packed(
      byteCount: stream.byteCount, checksum: stream.storedChecksum,
      stream: keepsStream ? stream : nil)
    checksum = stream.checksum
  }

  var info: TensorInfo {
    guard let packed else { return TensorInfo(name: name, dtype: data.dtype, shape: data.shape) }
    return TensorInfo(name: name, dtype: .uint8, shape: Shape([packed.byteCount]))
  }

  func record(sameAs other: String?) -> TensorRecord {
    TensorRecord(
      dtype: data.dtype.rawValue, shape: data.shape.dimensions,
      encoding: other != nil ? .same : packed == nil ? .raw : .planes, crc32: checksum,
      storedCRC32: other == nil ? packed?.checksum : nil,
      scales: data.channelScales == nil ? nil : name.scalesName, sameAs: other)
  }

  func write(to output: OutputFile, at offset: Int, threads: Int) throws {
    if let packed {
      var offset = offset
      let stream = try packed.stream ?? Planes.encode(data, threads: threads)
      // What the header promises is what is written, whoever changes the source meanwhile.
      guard stream.byteCount == packed.byteCount, stream.storedChecksum == packed.checksum else {
        throw InputError(
          .badData, path: output.path, "cannot be written: its source changed meanwhile",
          place: name, reason: .changed)
      }
      for part in stream.parts {
        try output.write(part, at: offset)
        offset += part.count
      }
    } else {
      try data.withUnsafeBytes { try output.write($0, at: offset) }
    }
  }
}

extension String {
  /// The name under which the scales of a tensor of this name are stored.
  fileprivate var scalesName: String { self + ".scales" }
}
