import Files
import Tensors

/// Where the elements of a checkpoint lie.
protocol TorchStorageReader: Sendable {
  /// The file that they lie in.
  var file: MappedFile { get }

  /// Checks that a storage is there with exactly its size.
  func check(_ storage: TorchStorage, name: String) throws

  /// Where the elements of a storage that was checked begin.
  func start(of storage: TorchStorage) -> Int?

  /// Finds the elements of a storage that was checked, after verifying its checksum where it has one.
  func read(_ storage: TorchStorage) throws(InputError) -> (file: MappedFile, offset: Int)
}

extension TorchStorage {
  /// The number of bytes; `nil` where it overflows.
  var byteCount: Int? {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: dtype?.byteWidth ?? 1)
    return overflow ? nil : bytes
  }
}

/// The members `data/0`, `data/1`, … of a checkpoint in the zip format.
struct TorchArchive: TorchStorageReader {
  var file: MappedFile { archive.file }

  private let archive: ZipArchive
  private let root: String
  private let members: [String: ZipArchive.Member]

  /// The most that the pickle may take; that of ResNet152 has 200 kB.
  private static let maximumPickleBytes = 64 << 20

  init(_ archive: ZipArchive) {
    self.archive = archive
    members = Dictionary(uniqueKeysWithValues: archive.members.map { ($0.name, $0) })
    let pickle = archive.members.first { $0.name.hasSuffix("/data.pkl") }?.name ?? "/data.pkl"
    root = String(pickle.dropLast("data.pkl".count))
  }

  /// Whether an archive is a checkpoint.
  static func isTorch(_ archive: ZipArchive) -> Bool {
    archive.members.contains { $0.name.hasSuffix("/data.pkl") }
  }

  /// Reads the checkpoint.
  ///
  /// - Parameter dictionary: the dictionary of tensors that is wanted; `nil` to find the model's.
  func source(dictionary: String? = nil) throws -> TorchSource {
    let path = archive.file.path
    guard members[root + "constants.pkl"] == nil else {
      throw InputError(
        .badData, path: path, "is TorchScript, a compiled module, rather than its weights",
        place: root + "constants.pkl",
        hint: "in Python: model = torch.jit.load('\(path)', map_location='cpu'); "
          + "torch.save(model.state_dict(), 'weights.pth')")
    }
    if let order = members[root + "byteorder"] {
      guard try archive.bytes(of: order, limit: 16) == Array("little".utf8) else {
        throw InputError(
          .badData, path: path, "is not little-endian", place: order.name,
          hint: "load and save it again on a little-endian machine")
      }
    }
    guard let member = members[root + "data.pkl"] else {
      throw InputError(.badData, path: path, "has no pickle", place: "\(root)data.pkl")
    }
    let bytes = try archive.bytes(
      of: member, limit: min(member.limit(free: 4 << 20), Self.maximumPickleBytes))
    var machine = PickleMachine(PickleBytes(bytes))
    let value: PickleValue
    do {
      value = try machine.value()
    } catch let fault {
      throw InputError(
        .badData, path: path, "has a pickle that \(fault.problem)",
        place: "\(member.name), byte \(fault.offset)")
    }
    guard machine.offset == bytes.count else {
      throw InputError(.badData, path: path, "has more than one pickle", place: member.name)
    }
    return try TorchSource(
      value, dictionary: dictionary, passedOver: machine.passedOver, data: self,
      container: "torch-zip")
  }

  func check(_ storage: TorchStorage, name: String) throws {
    let memberName = "\(root)data/\(storage.key)"
    guard let member = members[memberName] else {
      throw InputError(
        .badData, path: archive.file.path, "lacks the data of \(name)", place: memberName)
    }
    guard member.isStored, member.count == storage.byteCount else {
      throw InputError(
        .badData, path: archive.file.path, "has data of another size than \(name) needs",
        place: "\(memberName): \(member.count) bytes")
    }
  }

  func start(of storage: TorchStorage) -> Int? {
    members["\(root)data/\(storage.key)"]?.range.lowerBound
  }

  func read(_ storage: TorchStorage) throws(InputError) -> (file: MappedFile, offset: Int) {
    guard let member = members["\(root)data/\(storage.key)"] else {
      throw InputError(.badData, path: archive.file.path, "lacks data", place: storage.key)
    }
    try archive.verify(member)
    return (archive.file, member.range.lowerBound)
  }
}

/// A checkpoint in the stream format of old: four pickles, the names of the storages, and their elements.
struct TorchStream: TorchStorageReader {
  let file: MappedFile
  private var places: [String: (offset: Int, count: Int)] = [:]

  /// 0x1950a86a20f9469cfc6c as a pickled number, after protocol 2.
  private static let mark: [UInt8] = [
    0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
  ]

  /// The most that the pickles may take; they come first, and the elements after them are mapped.
  ///
  /// That of ResNet152 has 200 kB.
  private static let maximumPickleBytes = 4 << 20

  /// Whether a file begins with the mark of the format.
  static func isTorch(_ file: MappedFile) -> Bool {
    file.bytes(at: 0, count: mark.count) == mark
  }

  /// Reads a checkpoint.
  ///
  /// - Parameter dictionary: the dictionary of tensors that is wanted; `nil` to find the model's.
  static func source(_ file: MappedFile, dictionary: String? = nil) throws -> TorchSource {
    let bytes = file.bytes(at: 0, count: min(file.count, maximumPickleBytes)) ?? []
    var offset = mark.count
    var machine = PickleMachine(PickleBytes(bytes), at: offset)
    func next() throws -> PickleValue {
      machine = PickleMachine(PickleBytes(bytes), at: offset)
      do {
        let value = try machine.value()
        offset = machine.offset
        return value
      } catch let fault {
        throw InputError(
          .badData, path: file.path, "has a pickle that \(fault.problem)",
          place: "byte \(fault.offset)")
      }
    }
    guard try next().integer == 1001 else {
      throw InputError(.badData, path: file.path, "is a checkpoint of an unknown version")
    }
    _ = try next()
    let value = try next()
    let (storages, passedOver) = (machine.storages, machine.passedOver)
    let keys = try next().container?.items.compactMap(\.text) ?? []
    var stream = TorchStream(file: file)
    for key in keys {
      offset = try stream.addStorage(key, storages[key], at: offset)
    }
    guard offset == file.count else {
      throw InputError(
        .badData, path: file.path, "has \(file.count - offset) bytes after its data")
    }
    return try TorchSource(
      value, dictionary: dictionary, passedOver: passedOver, data: stream,
      container: "torch-legacy")
  }

  private init(file: MappedFile) {
    self.file = file
  }

  /// Notes where a storage lies, and returns where the next one begins.
  private mutating func addStorage(
    _ key: String, _ storage: TorchStorage?, at offset: Int
  ) throws -> Int {
    guard let storage, let header = file.bytes(at: offset, count: 8) else {
      throw InputError(
        .badData, path: file.path, "is cut off: it ends within its data", place: "storage \(key)")
    }
    var reader = ByteReader(header)
    let declared = reader.read(UInt64.self).flatMap { Int(exactly: $0) }
    let start = offset + 8
    guard declared == storage.count, let bytes = storage.byteCount else {
      throw InputError(
        .badData, path: file.path, "has a storage of another size than its tensors need",
        place: "storage \(key)")
    }
    guard bytes <= file.count - start else {
      throw InputError(
        .badData, path: file.path, "is cut off: it ends within its data",
        place: "storage \(key): \(bytes) bytes were expected, \(file.count - start) are there")
    }
    places[key] = (start, bytes)
    return start + bytes
  }

  func check(_ storage: TorchStorage, name: String) throws {
    guard let place = places[storage.key], place.count == storage.byteCount else {
      throw InputError(.badData, path: file.path, "lacks the data of \(name)", place: storage.key)
    }
  }

  func start(of storage: TorchStorage) -> Int? { places[storage.key]?.offset }

  func read(_ storage: TorchStorage) throws(InputError) -> (file: MappedFile, offset: Int) {
    guard let place = places[storage.key] else {
      throw InputError(.badData, path: file.path, "lacks data", place: storage.key)
    }
    return (file, place.offset)
  }
}
