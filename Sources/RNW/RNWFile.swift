import FoundationEssentials
package import Safetensors
public import Tensors

/// A converted network: its tensors under canonical names, and the record of where they came from.
///
/// ```swift
/// let model = try RNWFile(path: "resnet50v2.rnw")
/// let kernel = try model.tensor(named: "stem.conv.weight")  // OIHW, float32
/// ```
///
/// Opening checks the structure of the whole file and touches no tensor. A tensor's checksum is
/// verified whenever it is read; ``mappedTensor(named:)`` leaves that out.
public struct RNWFile: WeightSource {
  /// `rnw`.
  public let container = "rnw"

  /// The path by which the file was opened.
  public let path: String

  /// The tensors with their logical types and shapes, sorted by name.
  ///
  /// The scales of an int8 tensor are part of it and not listed.
  public let tensors: [TensorInfo]

  /// The file itself.
  public var files: [SourceFile] { stored.files }

  /// The file's `__metadata__`, with the records as JSON text.
  public let metadata: [String: String]

  private let stored: SafetensorsFile
  private let records: [String: TensorRecord]
  private let duplicates: DuplicateTensors

  /// Opens a file.
  ///
  /// - Throws: `InputError` where there is no such file, where it is no `.rnw`, where its version is newer than
  ///   this reader, or where it is damaged.
  public init(path: String) throws {
    try self.init(try MappedFile(path: path))
  }

  /// Opens a mapped file.
  package init(_ file: MappedFile) throws {
    try self.init(try SafetensorsFile(file))
  }

  /// Takes a safetensors file for a `.rnw`.
  package init(_ file: SafetensorsFile) throws {
    path = file.path
    stored = file
    metadata = file.metadata
    try Self.checkVersion(of: file)
    guard file.metadata[MetadataKey.checksum] == file.metadata.metadataChecksum else {
      throw Self.fault(file, "has damaged metadata: its checksum differs", MetadataKey.checksum)
    }
    var records = try Self.records(of: file)
    var duplicates = DuplicateTensors()
    if let name = duplicates.resolve(&records) {
      throw Self.fault(
        file, "has a tensor that is the same as none of its type, shape and checksum", name)
    }
    (self.records, self.duplicates) = (records, duplicates)
    var tensors: [TensorInfo] = []
    var infos: [String: TensorInfo] = [:]
    for info in file.tensors {
      guard let record = records[info.name] else {
        throw Self.fault(file, "has a tensor that rnw.tensors does not describe", info.name)
      }
      guard duplicates.places[info.name] == nil else {
        throw Self.fault(file, "says two things of one tensor", info.name)
      }
      let logical = try Self.logicalInfo(info, record, in: file)
      tensors.append(logical)
      infos[info.name] = logical
    }
    for (name, other) in duplicates.places {
      guard let info = infos[other] else { continue }
      tensors.append(TensorInfo(name: name, dtype: info.dtype, shape: info.shape))
    }
    guard tensors.count == records.count else {
      let names = Set(tensors.map(\.name))
      let missing = records.keys.filter { !names.contains($0) }.min() ?? ""
      throw Self.fault(file, "lacks a tensor that rnw.tensors describes", missing)
    }
    let scales = try Self.scales(records, in: file)
    self.tensors = tensors.filter { !scales.contains($0.name) }.sorted { $0.name < $1.name }
  }

  /// Whether a safetensors file is a `.rnw`.
  package static func isRNW(_ file: SafetensorsFile) -> Bool {
    file.metadata[MetadataKey.format] == "rnw"
  }

  /// Reads one tensor and verifies its checksum.
  ///
  /// It is mapped where it lies uncompressed in the file, and decoded where it does not.
  ///
  /// - Throws: `InputError` that names the tensor where its elements are not those that were written.
  public func tensor(named name: String) throws -> TensorData {
    try tensor(named: name, threads: 1)
  }

  /// Reads one tensor and verifies its checksum, decoding its blocks on several threads.
  ///
  /// - Throws: `InputError` that names the tensor where its elements are not those that were written.
  public func tensor(named name: String, threads: Int) throws -> TensorData {
    let elements = try elements(of: name, threads: threads)
    guard let scales = records[name]?.scales else { return elements }
    return elements.scaled(byChannel: try self.elements(of: scales, threads: 1).floats())
  }

  /// The elements of a tensor, without the scales that belong to it.
  private func elements(of name: String, threads: Int) throws -> TensorData {
    let record = try record(of: name)
    let data = try stored.tensor(named: duplicates.places[name] ?? name)
    switch record.encoding {
    case .raw:
      guard data.withUnsafeBytes(Checksum.crc32) == record.crc32 else { throw damage(name) }
      return data
    case .planes, .same:
      return try decoded(data, record, name: name, threads: threads)
    }
  }

  /// Gives one tensor where it lies in the file, without looking at its elements.
  ///
  /// Nothing is copied or verified; ``verify(tensorNamed:)`` does that.
  ///
  /// Returns `nil` for a tensor that is compressed.
  public func mappedTensor(named name: String) throws -> TensorData? {
    try record(of: name).encoding == .raw ? try stored.tensor(named: name) : nil
  }

  /// Whether a tensor lies uncompressed in the file, so that reading it copies nothing.
  public func isMapped(tensorNamed name: String) -> Bool {
    records[name]?.encoding == .raw
  }

  /// Whether the elements of a tensor are integers that are multiplied by a scale per channel.
  public func hasScales(tensorNamed name: String) -> Bool {
    records[name]?.scales != nil
  }

  /// Verifies the checksum of one tensor.
  ///
  /// - Throws: `InputError` that names the tensor where its elements are not those that were written.
  public func verify(tensorNamed name: String) throws {
    _ = try tensor(named: name)
  }

  private func decoded(
    _ data: TensorData, _ record: TensorRecord, name: String, threads: Int
  ) throws -> TensorData {
    let info = try Self.logicalInfo(
      TensorInfo(name: name, dtype: data.dtype, shape: data.shape), record, in: stored)
    let result = try data.withUnsafeBytes {
      try Planes.decode($0, dtype: info.dtype, shape: info.shape, threads: threads)
    }
    data.releasePages()
    // The first is the promise; the second also covers bits of the stream that no decoder looks at.
    guard let result, result.checksum == record.crc32,
      result.storedChecksum == record.storedCRC32
    else { throw damage(name) }
    return result.tensor
  }

  private func record(of name: String) throws -> TensorRecord {
    guard let record = records[name] else {
      throw Self.fault(stored, "has no tensor of this name", name)
    }
    return record
  }

  private func damage(_ name: String) -> InputError {
    Self.fault(stored, "has a damaged tensor: its checksum differs", name)
  }

  // MARK: - Records

  /// The configuration of the network, as the tool that wrote the file encoded it.
  ///
  /// - Throws: `InputError` where the record is missing or of another form.
  public func configuration<Record: Decodable>(as type: Record.Type = Record.self) throws -> Record
  {
    try record(MetadataKey.configuration)
  }

  /// What an image goes through before it is given to the network.
  public func preprocessing<Record: Decodable>(as type: Record.Type = Record.self) throws -> Record
  {
    try record(MetadataKey.preprocessing)
  }

  /// Where the weights came from.
  public func source<Record: Decodable>(as type: Record.Type = Record.self) throws -> Record {
    try record(MetadataKey.source)
  }

  /// What was compared before the file was written; `nil` for a file that was not converted.
  public func certificate<Record: Decodable>(as type: Record.Type = Record.self) throws -> Record? {
    metadata[MetadataKey.certificate] == nil ? nil : try record(MetadataKey.certificate)
  }

  private func record<Record: Decodable>(_ key: String) throws -> Record {
    guard let json = metadata[key] else { throw Self.fault(stored, "lacks its record \(key)", nil) }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return try decoder.decode(Record.self, from: Data(json.utf8))
    } catch {
      throw Self.fault(stored, "has a record \(key) of another form", nil)
    }
  }

  // MARK: - Checks

  private static func checkVersion(of file: SafetensorsFile) throws {
    guard isRNW(file) else {
      throw fault(file, "is no .rnw: its format is not rnw", "__metadata__")
    }
    let version = file.metadata[MetadataKey.version] ?? ""
    let parts = version.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let major = parts[0], parts[1] != nil else {
      throw fault(file, "has no version", MetadataKey.version)
    }
    guard major == FormatVersion.major else {
      throw InputError(
        .badData, path: file.path, "is a .rnw of version \(version)",
        place: "versions \(FormatVersion.major).x are read", hint: "a newer rnw reads it")
    }
  }

  private static func records(of file: SafetensorsFile) throws -> [String: TensorRecord] {
    guard let json = file.metadata[MetadataKey.tensors] else {
      throw fault(file, "lacks its record of tensors", MetadataKey.tensors)
    }
    do {
      return try TensorRecordParser.records(json)
    } catch {
      throw fault(file, "has a damaged record of tensors", MetadataKey.tensors)
    }
  }

  /// The names of all tensors that are scales of another.
  private static func scales(
    _ records: [String: TensorRecord], in file: SafetensorsFile
  ) throws -> Set<String> {
    var names: Set<String> = []
    for (name, record) in records {
      guard let scales = record.scales else { continue }
      guard record.dtype == DType.int8.rawValue, let channels = record.shape.first,
        let other = records[scales], other.dtype == DType.float32.rawValue,
        other.shape == [channels], other.scales == nil
      else { throw fault(file, "has a tensor whose scales do not fit it", name) }
      names.insert(scales)
    }
    return names
  }

  private static func logicalInfo(
    _ info: TensorInfo, _ record: TensorRecord, in file: SafetensorsFile
  ) throws -> TensorInfo {
    guard let dtype = DType(rawValue: record.dtype), let shape = Shape(validating: record.shape),
      case let logical = TensorInfo(name: info.name, dtype: dtype, shape: shape),
      let bytes = logical.byteCount
    else { throw fault(file, "describes an impossible tensor", info.name) }
    switch record.encoding {
    case .raw:
      guard logical == info else { throw fault(file, "says two things of one tensor", info.name) }
    case .planes, .same:
      // Deflate cannot give more than 1032 bytes for one; zero planes have at least their table.
      guard info.dtype == .uint8, info.shape.rank == 1, Planes.canEncode(dtype),
        bytes / (1 << 24) <= info.shape.elementCount
      else { throw fault(file, "says two things of one tensor", info.name) }
    }
    return logical
  }

  private static func fault(_ file: SafetensorsFile, _ problem: String, _ place: String?)
    -> InputError
  {
    InputError(.badData, path: file.path, problem, place: place)
  }
}
