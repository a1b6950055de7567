import Plain
import Safetensors
import Tensors

/// Every tensor of a file: what its record says, and which bytes are its own.
///
/// All that the format demands of the header's entries and the records of `rnw.tensors` holds for a
/// value of this type.
struct TensorTable: Sendable {
  /// A tensor of a file.
  struct Entry: Sendable {
    /// The name, and the logical type and shape.
    let info: TensorInfo
    /// What is said of it; of a tensor that is the same as another, the encoding and checksums of that.
    let record: TensorRecord
    /// The name under which the bytes stand in the file.
    let place: String
  }

  /// The entries by name, scales among them.
  let entries: [String: Entry]

  /// The tensors sorted by name, without scales, which are part of another.
  let listed: [TensorInfo]

  /// Joins the entries of the header with the records.
  ///
  /// - Throws: ``FormatFault`` for the first rule that is broken.
  init(_ stored: [TensorInfo], _ records: [String: TensorRecord], fileBytes: Int)
    throws(FormatFault)
  {
    for name in stored.map(\.name) + records.keys.sorted() where !TensorName.isValid(name) {
      throw FormatFault(
        problem: "has a tensor whose name is not 1 to 256 visible characters of ASCII",
        place: name.shortened)
    }
    let places = Dictionary(stored.map { ($0.name, $0) }) { first, _ in first }
    if let name = places.keys.filter({ records[$0] == nil }).min() {
      throw FormatFault(
        problem: "has a tensor that rnw.tensors does not describe", place: name)
    }
    var entries: [String: Entry] = [:]
    for (name, record) in records.sorted(by: { $0.key < $1.key }) {
      entries[name] = try Self.entry(name, record, places: places, records: records)
    }
    try Self.checkScales(records)
    guard SizeLimits.allows(entries.values.map(\.info), fileBytes: fileBytes) else {
      throw FormatFault(
        problem: "describes tensors that are larger together than a file of its size may hold",
        place: MetadataKey.tensors)
    }
    self.entries = entries
    let scales = Set(records.values.compactMap(\.scales))
    listed = entries.values.map(\.info).filter { !scales.contains($0.name) }
      .sorted { $0.name < $1.name }
  }

  private static func entry(
    _ name: String, _ record: TensorRecord, places: [String: TensorInfo],
    records: [String: TensorRecord]
  ) throws(FormatFault) -> Entry {
    guard let dtype = DType(rawValue: record.dtype), dtype != .bool,
      let shape = SizeLimits.shape(record.shape),
      case let info = TensorInfo(name: name, dtype: dtype, shape: shape), SizeLimits.allows(info)
    else { throw FormatFault(problem: "describes an impossible tensor", place: name) }
    func fault(_ problem: String) -> FormatFault { FormatFault(problem: problem, place: name) }
    for (key, isThere, encoding) in [
      ("sameAs", record.sameAs != nil, TensorRecord.Encoding.same),
      ("storedCRC32", record.storedCRC32 != nil, .planes),
    ] where isThere != (record.encoding == encoding) {
      throw fault("\(isThere ? "has" : "lacks") \(key) for a tensor of encoding \(record.encoding)")
    }
    switch (record.encoding, places[name]) {
    case (.same, nil):
      return try duplicate(info, record, records: records)
    case (.same, _):
      throw fault("has a tensor that is the same as another and is stored too")
    case (_, nil):
      throw fault("lacks a tensor that rnw.tensors describes")
    case (.raw, let place):
      guard place == info else {
        throw fault("has a raw tensor whose type or shape differs in the header and in rnw.tensors")
      }
    case (.planes, let place?):
      guard place.dtype == .uint8, place.shape.rank == 1, Planes.canEncode(dtype) else {
        throw fault(
          "has a tensor of planes that is not stored as bytes, or is of a type without them")
      }
    }
    return Entry(info: info, record: record, place: name)
  }

  /// A tensor whose bytes are those of another, which has bytes of its own: so there are neither
  /// chains nor cycles.
  private static func duplicate(
    _ info: TensorInfo, _ record: TensorRecord, records: [String: TensorRecord]
  ) throws(FormatFault) -> Entry {
    guard let place = record.sameAs, var resolved = records[place], resolved.encoding == .planes,
      resolved.dtype == record.dtype, resolved.shape == record.shape,
      resolved.crc32 == record.crc32
    else {
      throw FormatFault(
        problem: "has a tensor that is the same as none of its type, shape and checksum",
        place: info.name)
    }
    resolved.scales = record.scales
    return Entry(info: info, record: resolved, place: place)
  }

  /// Checks that scales are float32, one for every index of the first dimension, and named after the
  /// tensor that they belong to.
  private static func checkScales(
    _ records: [String: TensorRecord]
  ) throws(FormatFault) {
    for (name, record) in records.sorted(by: { $0.key < $1.key }) {
      guard let scales = record.scales else { continue }
      guard scales == name + ".scales", record.dtype == DType.int8.rawValue,
        let channels = record.shape.first, let other = records[scales],
        other.dtype == DType.float32.rawValue, other.shape == [channels]
      else {
        throw FormatFault(problem: "has a tensor whose scales do not fit it", place: name)
      }
    }
  }
}
