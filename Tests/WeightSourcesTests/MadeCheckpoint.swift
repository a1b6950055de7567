import TestSupport

@testable import WeightSources

/// A checkpoint in the zip format as PyTorch writes it, made for a test.
struct MadeCheckpoint {
  /// A value of a pickle.
  indirect enum Value: Sendable {
    case none
    case integer(Int)
    case text(String)
    /// A float32 tensor of zeros.
    case tensor([Int])
    /// One that is a view of values of the other sign.
    case negativeTensor([Int])
    case list([Value])
    case dictionary([(Value, Value)])
    /// A class or function called by a tuple of arguments, and the state that is set then.
    case call(String, [Value], state: Value? = nil)
    /// An object made without a call, and the state that is set then.
    case object(String, state: Value)
  }

  /// A state dict of tensors.
  static func weights(_ names: [String], shape: [Int] = [2, 2]) -> Value {
    .dictionary(names.map { (.text($0), .tensor(shape)) })
  }

  private var pickle: [UInt8] = [0x80, 2]
  private var storages: [Int] = []

  init(_ root: Value) {
    add(root)
    pickle.append(0x2E)
  }

  /// The bytes of the file.
  func file(adding others: [(String, [UInt8])] = []) -> [UInt8] {
    var members = [("archive/data.pkl", pickle)]
    for (key, count) in storages.enumerated() {
      members.append(("archive/data/\(key)", [UInt8](repeating: 0, count: 4 * count)))
    }
    return storedZip(members + others)
  }

  private mutating func add(_ value: Value) {
    switch value {
    case .none: pickle.append(0x4E)
    case .integer(let number):
      pickle.append(0x4A)
      pickle.append(littleEndian: UInt32(truncatingIfNeeded: number))
    case .text(let text):
      pickle.append(0x58)
      pickle.append(text: text)
    case .tensor(let shape): addTensor(shape)
    case .negativeTensor(let shape): addTensor(shape, metadata: [(.text("neg"), .integer(1))])
    case .list(let items):
      pickle += [0x5D, 0x28]
      for item in items { add(item) }
      pickle.append(0x65)
    case .dictionary(let pairs):
      pickle += [0x7D, 0x28]
      for (key, value) in pairs {
        add(key)
        add(value)
      }
      pickle.append(0x75)
    case .call(let name, let arguments, let state):
      add(global: name)
      add(tuple: arguments)
      pickle.append(0x52)
      if let state {
        add(state)
        pickle.append(0x62)
      }
    case .object(let name, let state):
      add(global: name)
      pickle += [0x29, 0x81]
      add(state)
      pickle.append(0x62)
    }
  }

  private mutating func add(global name: String) {
    let dot = name.lastIndex(of: ".") ?? name.endIndex
    pickle += Array("c\(name[..<dot])\n\(name[dot...].dropFirst())\n".utf8)
  }

  private mutating func add(tuple items: [Value]) {
    pickle.append(0x28)
    for item in items { add(item) }
    pickle.append(0x74)
  }

  private mutating func addTensor(_ shape: [Int], metadata: [(Value, Value)]? = nil) {
    let count = shape.reduce(1, *)
    add(global: "torch._utils._rebuild_tensor_v2")
    pickle += [0x28, 0x28]
    add(.text("storage"))
    add(global: "torch.FloatStorage")
    add(.text(String(storages.count)))
    add(.text("cpu"))
    add(.integer(count))
    pickle += [0x74, 0x51, 0x4B, 0]
    add(tuple: shape.map { .integer($0) })
    var strides: [Int] = []
    for size in shape.reversed() { strides.insert((strides.first ?? 1) * size, at: 0) }
    add(tuple: (strides.dropFirst() + (shape.isEmpty ? [] : [1])).map { .integer($0) })
    pickle += [0x89, 0x7D]
    if let metadata { add(.dictionary(metadata)) }
    pickle += [0x74, 0x52]
    storages.append(count)
  }
}

/// A zip archive of members that are stored as they are.
func storedZip(_ members: [(name: String, bytes: [UInt8])]) -> [UInt8] {
  var file: [UInt8] = []
  var directory: [UInt8] = []
  for (name, bytes) in members {
    let checksum = bytes.withUnsafeBytes { Deflate.checksum($0) }
    var fields: [UInt8] = []
    for field in [20, 0, 0, 0, 0x21] as [UInt16] { fields.append(littleEndian: field) }
    fields.append(littleEndian: checksum)
    fields.append(littleEndian: UInt32(bytes.count))
    fields.append(littleEndian: UInt32(bytes.count))
    fields.append(littleEndian: UInt16(name.utf8.count))
    fields.append(littleEndian: UInt16(0))
    let offset = UInt32(file.count)
    file.append(littleEndian: UInt32(0x0403_4B50))
    file += fields + name.utf8 + bytes
    directory.append(littleEndian: UInt32(0x0201_4B50))
    directory.append(littleEndian: UInt16(20))
    directory += fields
    directory += [UInt8](repeating: 0, count: 10)
    directory.append(littleEndian: offset)
    directory += name.utf8
  }
  let start = UInt32(file.count)
  file += directory
  file.append(littleEndian: UInt32(0x0605_4B50))
  file.append(littleEndian: UInt32(0))
  for _ in 0..<2 { file.append(littleEndian: UInt16(members.count)) }
  file.append(littleEndian: UInt32(directory.count))
  file.append(littleEndian: start)
  file.append(littleEndian: UInt16(0))
  return file
}
