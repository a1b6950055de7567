public import Files
import Plain
package import Safetensors
public import Tensors
import Threads

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
  private let table: TensorTable
  private let records: [String: RecordValue]

  /// Opens a file.
  ///
  /// - Throws: `InputError` where there is no such file, where it is no `.rnw`, where its version is newer than
  ///   this reader, or where it breaks a rule of the format.
  public init(path: String) throws(InputError) {
    try self.init(try MappedFile(path: path))
  }

  /// Opens a mapped file.
  package init(_ file: MappedFile) throws(InputError) {
    try self.init(try SafetensorsFile(file))
  }

  /// Takes a safetensors file for a `.rnw`.
  package init(_ file: SafetensorsFile) throws(InputError) {
    path = file.path
    stored = file
    metadata = file.metadata
    try Self.checkMetadata(of: file)
    do throws(FormatFault) {
      guard let text = file.metadata[MetadataKey.tensors] else {
        throw FormatFault(problem: "lacks its record of tensors", place: MetadataKey.tensors)
      }
      table = try TensorTable(
        file.tensors, try TensorRecordParser.records(text), fileBytes: file.byteCount)
      records = try RecordForm.records(of: file.metadata)
    } catch let fault {
      throw InputError(.badData, path: file.path, fault.problem, place: fault.place)
    }
    tensors = table.listed
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
  public func tensor(named name: String) throws(InputError) -> TensorData {
    try tensor(named: name, threads: 1)
  }

  /// Reads one tensor and verifies its checksum, decoding its blocks on several threads.
  ///
  /// - Throws: `InputError` that names the tensor where its elements are not those that were written.
  public func tensor(named name: String, threads: Int) throws(InputError) -> TensorData {
    let elements = try elements(of: name, threads: threads)
    guard let scales = try entry(of: name).record.scales else { return elements }
    return elements.scaled(byChannel: try self.elements(of: scales, threads: 1).floats())
  }

  /// The elements of a tensor, without the scales that belong to it.
  private func elements(of name: String, threads: Int) throws(InputError) -> TensorData {
    let entry = try entry(of: name)
    let data = try stored.tensor(named: entry.place)
    switch entry.record.encoding {
    case .raw:
      guard data.withUnsafeBytes(Checksum.crc32) == entry.record.crc32 else { throw damage(name) }
      return data
    case .planes, .same:
      return try decoded(data, entry, threads: threads)
    }
  }

  /// Gives one tensor where it lies in the file, without looking at its elements.
  ///
  /// Nothing is copied or verified; ``verify(tensorNamed:)`` does that.
  ///
  /// - Returns: `nil` for a tensor that is compressed.
  /// - Throws: `InputError` where the file has no tensor of the name.
  public func mappedTensor(named name: String) throws(InputError) -> TensorData? {
    try entry(of: name).record.encoding == .raw ? try stored.tensor(named: name) : nil
  }

  /// Whether a tensor lies uncompressed in the file, so that reading it copies nothing.
  public func isMapped(tensorNamed name: String) -> Bool {
    table.entries[name]?.record.encoding == .raw
  }

  /// Whether the elements of a tensor are integers that are multiplied by a scale per channel.
  public func hasScales(tensorNamed name: String) -> Bool {
    table.entries[name]?.record.scales != nil
  }

  /// Verifies the checksums of one tensor, and of its scales.
  ///
  /// - Throws: `InputError` that names the tensor where its elements are not those that were written.
  public func verify(tensorNamed name: String) throws(InputError) {
    _ = try tensor(named: name)
  }

  /// Verifies the checksums of all tensors, and that the records of the file are of the form that the
  /// format gives them.
  ///
  /// Whether the tensors are those of the network that the file describes is not this type's to know.
  ///
  /// - Throws: `InputError` that names what is wrong first.
  public func verify(threads: Int = 1) throws(InputError) {
    try verifyRecords()
    let largestFirst = tensors.sorted { $0.shape.elementCount > $1.shape.elementCount }
    _ = try InputError.only(of: path) {
      try concurrentMap(largestFirst, threads: threads) { try verify(tensorNamed: $0.name) }
    }
  }

  /// Verifies that the records of the file are of the form that the format gives them.
  ///
  /// - Throws: `InputError` that names the first that is not.
  public func verifyRecords() throws(InputError) { try RecordForm.check(self) }

  private func decoded(
    _ data: TensorData, _ entry: TensorTable.Entry, threads: Int
  ) throws(InputError) -> TensorData {
    let result = try InputError.only(of: path) {
      try data.withUnsafeBytes {
        try Planes.decode($0, dtype: entry.info.dtype, shape: entry.info.shape, threads: threads)
      }
    }
    data.releasePages()
    // The first is the promise; the second also covers bits of the stream that no decoder looks at.
    guard let result, result.checksum == entry.record.crc32,
      result.storedChecksum == entry.record.storedCRC32
    else { throw damage(entry.info.name) }
    return result.tensor
  }

  private func entry(of name: String) throws(InputError) -> TensorTable.Entry {
    guard let entry = table.entries[name] else {
      throw .noTensor(name.shortened, in: path)
    }
    return entry
  }

  private func damage(_ name: String) -> InputError {
    fault("has a damaged tensor: its checksum differs", name, .damaged)
  }

  // MARK: - Records

  /// The major version of the file: it can hold no network that needs a newer one.
  package var formatMajor: Int {
    Int(metadata[MetadataKey.version]?.prefix { $0 != "." } ?? "") ?? 0
  }

  /// The configuration of the network, as the tool that wrote the file encoded it.
  ///
  /// - Throws: `InputError` where the record is missing or of another form.
  public func configuration<Record: Decodable>(as type: Record.Type = Record.self)
    throws(InputError) -> Record
  {
    try record(MetadataKey.configuration)
  }

  /// What an image goes through before it is given to the network.
  ///
  /// - Throws: `InputError` where the record is missing or of another form.
  public func preprocessing<Record: Decodable>(as type: Record.Type = Record.self)
    throws(InputError) -> Record
  {
    try record(MetadataKey.preprocessing)
  }

  /// Where the weights came from.
  ///
  /// - Throws: `InputError` where the record is missing or of another form.
  public func source<Record: Decodable>(as type: Record.Type = Record.self) throws(InputError)
    -> Record
  {
    try record(MetadataKey.source)
  }

  /// What was compared before the file was written; `nil` for a file that was not converted.
  ///
  /// - Throws: `InputError` where the record is of another form.
  public func certificate<Record: Decodable>(as type: Record.Type = Record.self) throws(InputError)
    -> Record?
  {
    metadata[MetadataKey.certificate] == nil ? nil : try record(MetadataKey.certificate)
  }

  /// What tells the first wrong layer of an engine that computes this network; `nil` for a file that was not converted, or
  /// converted before there were fingerprints.
  ///
  /// - Throws: `InputError` where the record is of another form.
  public func fingerprints() throws(InputError) -> Fingerprints? {
    guard let certificate = try certificate(as: Certificate.self) else { return nil }
    guard certificate.isPossible else {
      throw fault("has a certificate that certifies nothing", MetadataKey.certificate)
    }
    return certificate.fingerprints
  }

  private func record<Record: Decodable>(_ key: String) throws(InputError) -> Record {
    guard let value = records[key] else { throw fault("lacks its record \(key)", nil) }
    do {
      return try RecordDecoder.decode(from: value)
    } catch let error as DecodingError {
      throw fault("has a record \(key) of another form", error.place)
    } catch {
      throw fault("has a record \(key) of another form", nil)
    }
  }

  // MARK: - Checks

  private static func checkMetadata(of file: SafetensorsFile) throws(InputError) {
    func fault(
      _ problem: String, _ place: String, _ reason: InputError.Reason = .malformed
    ) -> InputError {
      InputError(.badData, path: file.path, problem, place: place, reason: reason)
    }
    guard isRNW(file) else {
      throw fault("is no .rnw: its format is not rnw", "__metadata__", .unknownContainer)
    }
    let version = file.metadata[MetadataKey.version] ?? ""
    guard let isRead = FormatVersion.isRead(version) else {
      throw fault("has no version", MetadataKey.version)
    }
    guard isRead else {
      let read = FormatVersion.majors.map { "\($0).x" }.joined(separator: " and ")
      throw InputError(
        .badData, path: file.path, "is a .rnw of version \(version)",
        place: "versions \(read) are read", hint: "a newer rnw reads it",
        reason: .unsupportedVersion)
    }
    guard !file.metadataPairs.contains(where: { ($0.key + $0.value).utf8.contains(0) }) else {
      throw fault("has metadata with a NUL", "__metadata__")
    }
    guard
      file.metadata[MetadataKey.checksum] == MetadataChecksum.text(of: file.metadataPairs)
    else {
      throw fault("has damaged metadata: its checksum differs", MetadataKey.checksum, .damaged)
    }
    guard file.dataOffset.isMultiple(of: SafetensorsLayout.alignment) else {
      throw fault(
        "has tensors that begin at no multiple of \(SafetensorsLayout.alignment)",
        "byte \(file.dataOffset)")
    }
  }

  func fault(
    _ problem: String, _ place: String?, _ reason: InputError.Reason = .malformed
  ) -> InputError {
    InputError(.badData, path: path, problem, place: place, reason: reason)
  }
}

extension DecodingError {
  /// Which value is wrong, and what was expected there.
  fileprivate var place: String? {
    let (path, expected) =
      switch self {
      case .keyNotFound(let key, let context): (context.codingPath + [key], "it was expected")
      case .dataCorrupted(let context), .valueNotFound(_, let context),
        .typeMismatch(_, let context):
        (context.codingPath, context.debugDescription)
      @unknown default: ([], "")
      }
    let names = path.map { $0.stringValue.shortened }.joined(separator: ".")
    return names.isEmpty ? expected : "\(names); \(expected)"
  }
}
