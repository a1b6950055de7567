import Tensors

/// Reads a pickle by the few operations that weights need, and executes nothing.
///
/// A pickle is a program: Python's own reader calls whatever it names. This one knows a list of names (``PickleNames``), and
/// gives each a meaning of its own. Any other name means nothing: what it would make is passed over, with all that belongs to it, and
/// is never made. Operations that no checkpoint needs end the reading.
/// Operations: `Lib/pickletools.py` of Python, protocols 2 to 5.
struct PickleMachine {
  /// The most values on the stack; pickles add to containers in batches of a thousand pairs.
  private static let maximumStack = 20_000

  /// The most values in the memo or in one container; ResNet152's checkpoint has ten thousand.
  private static let maximumValues = 200_000

  /// The most containers and objects of all kinds.
  private static let maximumContainers = 1_000_000

  private let names: PickleNames
  private var reader: PickleReader
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  private var containers = 0
  /// How many values of shared containers may still be looked at: a short pickle can name a long list again and again.
  private var workLeft: Int

  /// The storages that were referred to, by key.
  private(set) var storages: [String: TorchStorage] = [:]

  /// The names of what was passed over, in the order of the file.
  private(set) var passedOver: [String] = []
  private var knownNames: Set<String> = []

  /// Why a pickle is refused.
  struct Fault: Error {
    let problem: String
    let offset: Int
  }

  /// Starts at an offset.
  ///
  /// - Parameter names: what means something.
  init(_ bytes: PickleBytes, names: PickleNames = .torch, at offset: Int = 0) {
    reader = PickleReader(bytes, at: offset)
    self.names = names
    workLeft = 100_000 + 4 * bytes.count
  }

  /// Where the reading stands: after the pickle, once it is read.
  var offset: Int { reader.position }

  /// Reads one pickle, up to its STOP.
  mutating func value() throws(Fault) -> PickleValue {
    while true {
      let opcode = try reader.byte()
      if opcode == UInt8(ascii: ".") {
        guard stack.count == 1, marks.isEmpty else {
          throw fault("ends with \(stack.count) values")
        }
        return stack[0]
      }
      try perform(opcode)
      guard stack.count <= Self.maximumStack, memo.count <= Self.maximumValues,
        marks.count <= PickleContainer.maximumDepth * 4, containers <= Self.maximumContainers
      else { throw fault("holds more than any checkpoint does") }
    }
  }

  // MARK: - Operations

  private mutating func perform(_ opcode: UInt8) throws(Fault) {
    switch opcode {
    case 0x80:
      let version = try reader.byte()
      guard version <= 5 else { throw fault("is of protocol \(version); up to 5 are read") }
    case 0x95: _ = try reader.number(8)  // FRAME: a hint for readers that read in pieces.
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88: stack.append(.bool(true))
    case 0x89: stack.append(.bool(false))
    case UInt8(ascii: "J"):
      stack.append(.integer(Int(Int32(truncatingIfNeeded: try reader.number(4)))))
    case UInt8(ascii: "K"): stack.append(.integer(try reader.number(1)))
    case UInt8(ascii: "M"): stack.append(.integer(try reader.number(2)))
    case 0x8A: try pushLong()
    case UInt8(ascii: "G"): try pushFloat()
    case UInt8(ascii: "X"): try pushText(count: try reader.number(4))
    case 0x8C: try pushText(count: try reader.number(1))
    case UInt8(ascii: "U"): try pushText(count: try reader.number(1))
    case UInt8(ascii: "C"): stack.append(.bytes(.place(try reader.pass(try reader.number(1)))))
    case UInt8(ascii: "B"): stack.append(.bytes(.place(try reader.pass(try reader.number(4)))))
    case 0x8D: try pushText(count: try reader.number(8))
    case 0x8E, 0x96: stack.append(.bytes(.place(try reader.pass(try reader.number(8)))))
    case UInt8(ascii: "]"): stack.append(.list(newContainer()))
    case UInt8(ascii: "}"): stack.append(.dictionary(newContainer()))
    case UInt8(ascii: ")"): stack.append(.tuple(newContainer()))
    case 0x8F: stack.append(.list(newContainer()))
    case 0x90: try append(try popToMark(), isDictionary: false)
    case 0x91: try pushTuple(try popToMark())
    case UInt8(ascii: "0"): _ = try pop(1)
    case UInt8(ascii: "t"): try pushTuple(try popToMark())
    case 0x85: try pushTuple(try pop(1))
    case 0x86: try pushTuple(try pop(2))
    case 0x87: try pushTuple(try pop(3))
    case UInt8(ascii: "a"): try append(try pop(1), isDictionary: false)
    case UInt8(ascii: "e"): try append(try popToMark(), isDictionary: false)
    case UInt8(ascii: "s"): try append(try pop(2), isDictionary: true)
    case UInt8(ascii: "u"): try append(try popToMark(), isDictionary: true)
    case UInt8(ascii: "q"): try remember(as: try reader.number(1))
    case UInt8(ascii: "r"): try remember(as: try reader.number(4))
    case 0x94: try remember(as: memo.count)
    case UInt8(ascii: "h"): try recall(try reader.number(1))
    case UInt8(ascii: "j"): try recall(try reader.number(4))
    case UInt8(ascii: "c"): try pushGlobal(module: try reader.line(), name: try reader.line())
    case 0x93:
      let parts = try pop(2).compactMap(\.text)
      guard parts.count == 2 else { throw fault("names a global by something other than text") }
      try pushGlobal(module: parts[0], name: parts[1])
    case UInt8(ascii: "Q"): try pushStorage()
    case UInt8(ascii: "R"): try reduce()
    case 0x81: try makeNew(arguments: 1)
    case 0x92: try makeNew(arguments: 2)
    case UInt8(ascii: "b"): try build()
    default:
      throw fault("uses the operation 0x\(String(opcode, radix: 16)), which no state dict needs")
    }
  }

  /// A call: only the calls that make tensors and plain containers mean something.
  private mutating func reduce() throws(Fault) {
    let parts = try pop(2)
    guard let arguments = parts[1].container?.items else {
      throw fault("calls something without arguments")
    }
    switch parts[0] {
    case .global(let name) where names.isAllowed(name):
      try charge(arguments.reduce(1) { $0 + ($1.container?.items.count ?? 0) })
      containers += 1
      guard let result = names.result(name, arguments) else {
        throw fault(
          names.reason(name, arguments)
            ?? "calls \(name) with arguments that no state dict has")
      }
      if case .foreign(let object) = result { note(object.name) }
      stack.append(result)
    case .global(let name): try passOver(name)
    case .foreign(let object): try passOver(object.name)
    default: throw fault("calls something that is no name")
    }
  }

  /// An object of a class, without a call of its own.
  private mutating func makeNew(arguments count: Int) throws(Fault) {
    let parts = try pop(1 + count)
    switch parts[0] {
    case .global("collections.OrderedDict"), .global("collections.defaultdict"):
      guard parts[1].container?.items.isEmpty == true else {
        throw fault("makes a dictionary in a way that no state dict needs")
      }
      stack.append(.dictionary(newContainer()))
    case .global(let name) where !names.isAllowed(name): try passOver(name)
    case .global(let name):
      guard let arguments = parts[1].container?.items,
        case .foreign(let object) = names.result(name, arguments)
      else { throw fault("makes an object that no state dict needs") }
      try passOver(object.name)
    case .foreign(let object): try passOver(object.name)
    default: throw fault("makes an object that no state dict needs")
    }
  }

  /// The state of an array or its type; the attributes of another object, such as the `_metadata` of a state dict, are
  /// passed over.
  private mutating func build() throws(Fault) {
    let state = try pop(1)[0]
    switch stack.last {
    case .foreign(var object):
      try charge(state.dictionary?.items.count ?? 0)
      let keys = state.dictionary?.pairs.compactMap(\.key.text) ?? []
      object.isModule = object.isModule || keys.contains("_parameters") || keys.contains("_modules")
      stack[stack.count - 1] = .foreign(object)
    case .array(let array):
      guard array.fill(state) else { throw fault("fills an array in a way that NumPy does not") }
    case .type(let type):
      guard type.fill(state) else { throw fault("has a type of an unknown byte order") }
    case .dictionary, .tensor: break
    default: throw fault("sets the state of an object that no state dict needs")
    }
  }

  private mutating func passOver(_ name: String) throws(Fault) {
    containers += 1
    note(name)
    stack.append(.foreign(ForeignObject(name: name)))
  }

  private mutating func note(_ name: String) {
    if knownNames.insert(name).inserted { passedOver.append(name) }
  }

  private mutating func pushGlobal(module: String, name: String) throws(Fault) {
    let full = "\(module).\(name)"
    guard !TorchGlobals.isHarmful(full) else {
      throw fault("asks for \(full), which no checkpoint needs: it may be made to do harm")
    }
    stack.append(.global(full))
  }

  private mutating func newContainer() -> PickleContainer {
    containers += 1
    return PickleContainer()
  }

  /// Counts values that are looked at once more.
  private mutating func charge(_ count: Int) throws(Fault) {
    workLeft -= count
    guard workLeft >= 0 else { throw fault("holds more than any checkpoint does") }
  }

  /// A persistent identifier: ("storage", type, key, device, count), and in files of old the part of the storage that is
  /// meant.
  private mutating func pushStorage() throws(Fault) {
    let items = try pop(1)[0].container?.items ?? []
    guard items.count >= 5, items[0].text == "storage", case .global(let type) = items[1],
      let key = items[2].text, let count = items[4].integer, count >= 0
    else { throw fault("refers to data in an unknown way") }
    // Key, offset and count of a storage that is a part of this one; `None` where it is all of it.
    if let part = items.dropFirst(5).first {
      guard case .none = part, items.count == 6 else {
        throw fault(
          "refers to a part of a storage (view_metadata), as PyTorch has not written it for long; "
            + "loaded and saved again it can be read")
      }
    }
    guard let storage = TorchGlobals.storage(ofType: type, key: key, count: count) else {
      return try passOver(type)
    }
    storages[key] = storage
    stack.append(.storage(storage))
  }

  private mutating func pushTuple(_ items: [PickleValue]) throws(Fault) {
    let container = newContainer()
    for item in items where !container.append(item) { throw fault("nests too deep") }
    stack.append(.tuple(container))
  }

  private mutating func append(_ items: [PickleValue], isDictionary: Bool) throws(Fault) {
    guard let target = stack.last, items.count.isMultiple(of: isDictionary ? 2 : 1) else {
      throw fault("adds to nothing")
    }
    switch target {
    case .foreign: break
    case .list(let container) where !isDictionary, .dictionary(let container) where isDictionary:
      for item in items where !container.append(item) {
        throw fault("nests too deep or within itself")
      }
      guard container.items.count <= Self.maximumValues else {
        throw fault("holds more than any checkpoint does")
      }
    default:
      throw fault("adds to something that is no container")
    }
  }

  private mutating func remember(as index: Int) throws(Fault) {
    guard let value = stack.last else { throw fault("remembers nothing") }
    memo[index] = value
  }

  private mutating func recall(_ index: Int) throws(Fault) {
    guard let value = memo[index] else { throw fault("recalls what it never remembered") }
    stack.append(value)
  }

  private mutating func pushLong() throws(Fault) {
    let digits = Array(try reader.take(try reader.number(1)))
    guard digits.count <= 16 else { throw fault("holds a number of \(digits.count) bytes") }
    guard digits.count <= 8 else { return stack.append(.long(digits)) }
    let isNegative = digits.last.map { $0 >= 0x80 } ?? false
    var value: UInt64 = isNegative ? .max : 0
    for digit in digits.reversed() { value = value << 8 | UInt64(digit) }
    stack.append(.integer(Int(Int64(bitPattern: value))))
  }

  private mutating func pushFloat() throws(Fault) {
    // The only number of the format with its highest byte first.
    let bits = try reader.take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    stack.append(.float(Double(bitPattern: bits)))
  }

  private mutating func pushText(count: Int) throws(Fault) {
    guard count <= PickleReader.maximumName || !names.keepsLongTexts else {
      return stack.append(.longText(try reader.pass(count)))
    }
    guard let text = String(validating: try reader.take(count), as: UTF8.self) else {
      throw fault("holds text that is not UTF-8")
    }
    stack.append(.text(text))
  }

  // MARK: - Stack and bytes

  private mutating func pop(_ count: Int) throws(Fault) -> [PickleValue] {
    guard stack.count - (marks.last ?? 0) >= count else { throw fault("takes from an empty stack") }
    let items = Array(stack[(stack.count - count)...])
    stack.removeLast(count)
    return items
  }

  private mutating func popToMark() throws(Fault) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw fault("lacks a mark") }
    let items = Array(stack[mark...])
    stack.removeLast(items.count)
    return items
  }

  private func fault(_ problem: String) -> Fault {
    reader.fault(problem)
  }
}
