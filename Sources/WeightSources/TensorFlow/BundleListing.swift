import Files
import Tensors

/// A tensor as the index of a checkpoint lists it.
struct BundleEntry {
  let key: String
  /// TensorFlow's number of the type.
  let type: Int
  let shape: Shape
  let shard: Int
  let offset: Int
  let count: Int
  /// The masked CRC-32C of the data.
  let checksum: UInt32

  /// The type; `nil` for what is no numbers.
  var dtype: DType? { TensorFlowTypes.numbers[type] }

  /// Whether both tensors hold the same, as far as the index tells.
  func hasContent(of other: BundleEntry) -> Bool {
    (type, shape, count, checksum) == (other.type, other.shape, other.count, other.checksum)
  }
}

/// What the index of a checkpoint says, checked as far as it can be without the data.
struct BundleListing {
  let shardCount: Int
  let entries: [BundleEntry]

  /// The most files that the data of a checkpoint is spread over.
  private static let maximumShards = 1 << 16

  init(_ index: MappedFile) throws {
    var shardCount: Int?
    var entries: [BundleEntry] = []
    try SortedTable(index).forEachEntry { entry in
      guard let count = shardCount else {
        guard entry.key.isEmpty else {
          throw InputError(
            .badData, path: index.path, "is a table that is no checkpoint of TensorFlow's",
            place: "an entry without a name was expected first", reason: .unknownContainer)
        }
        shardCount = try Self.shardCount(entry.value, path: index.path)
        return
      }
      entries.append(try Self.entry(entry, shardCount: count, path: index.path))
    }
    guard let shardCount else {
      throw InputError(.badData, path: index.path, "is the index of a checkpoint of nothing")
    }
    self.shardCount = shardCount
    self.entries = entries
  }

  /// Whether the first value of a table is the header of an index; else it may be a checkpoint of the first form.
  static func isHeader(_ value: ArraySlice<UInt8>) -> Bool {
    ProtocolBuffer.fields(value)?.first { $0.field == 1 }.map { $0.value.count != nil } ?? false
  }

  private static func shardCount(_ header: ArraySlice<UInt8>, path: String) throws -> Int {
    guard let fields = ProtocolBuffer.fields(header),
      let count = fields.last(where: { $0.field == 1 })?.value.count,
      (1...maximumShards).contains(count)
    else {
      throw InputError(.badData, path: path, "has a damaged header")
    }
    guard fields.last(where: { $0.field == 2 })?.value.count ?? 0 == 0 else {
      throw InputError(
        .badData, path: path, "was written on a machine of the other byte order",
        hint: "load it in Python there and save it by numpy.savez")
    }
    return count
  }

  private static func entry(
    _ entry: SortedTable.Entry, shardCount: Int, path: String
  ) throws -> BundleEntry {
    // Parts of a tensor have keys of a code that begins with a zero.
    guard entry.key.first != 0, let key = String(validating: entry.key, as: UTF8.self) else {
      throw InputError(
        .badData, path: path, "holds tensors in parts (partitioned variables)",
        hint: "load it in Python and save it whole")
    }
    guard let fields = ProtocolBuffer.fields(entry.value) else {
      throw InputError(.badData, path: path, "has a damaged entry", place: key)
    }
    func number(_ field: Int) -> Int? {
      // What is 0 is left out.
      fields.last { $0.field == field }.map(\.value.count) ?? 0
    }
    if fields.contains(where: { $0.field == 7 }) {
      throw InputError(
        .badData, path: path, "holds tensors in parts (partitioned variables)", place: key,
        hint: "load it in Python and save it whole")
    }
    let message = fields.last { $0.field == 2 }.map(\.value.slice) ?? []
    guard let type = number(1), let shard = number(3), let offset = number(4),
      let count = number(5), let checksum = number(6).flatMap(UInt32.init(exactly:)),
      let shape = message.flatMap(TensorFlowTypes.shape), shard < shardCount
    else {
      throw InputError(.badData, path: path, "has a damaged entry", place: key)
    }
    let result = BundleEntry(
      key: key, type: type, shape: shape, shard: shard, offset: offset, count: count,
      checksum: checksum)
    if let dtype = result.dtype,
      TensorInfo(name: key, dtype: dtype, shape: shape).byteCount != count
    {
      throw InputError(
        .badData, path: path, "has a tensor whose shape \(shape) does not fit its size", place: key)
    }
    return result
  }
}
