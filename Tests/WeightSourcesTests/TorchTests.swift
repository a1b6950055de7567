import Files
import Tensors
import TestSupport
import Testing

@testable import WeightSources

@Suite("PyTorch checkpoints")
struct TorchTests {
  @Test(
    "Every container gives the tensors that PyTorch holds, bit for bit",
    arguments: [
      ("basic.pth", "torch-zip"), ("basic.legacy.pth", "torch-legacy"),
      ("basic.module.pth", "torch-zip"), ("basic.checkpoint.pth", "torch-zip"),
      ("basic.views.pth", "torch-zip"), ("basic.views.legacy.pth", "torch-legacy"),
      ("basic.safetensors", "safetensors"),
    ])
  func values(_ file: String, _ kind: String) throws {
    let truth = try WeightFile.open(Fixture.path("torch/basic.npz"))
    let source = try WeightFile.open(Fixture.path("torch/\(file)"))
    #expect(source.container == kind)
    #expect(source.tensors.count == truth.tensors.count)
    let prefix = file.contains("module") ? "module." : ""
    for info in truth.tensors {
      let tensor = try source.tensor(named: prefix + info.name)
      #expect(tensor.shape == info.shape && tensor.dtype == info.dtype, "\(info.name)")
      let expected = try truth.tensor(named: info.name)
      #expect(
        tensor.withUnsafeBytes { Array($0) } == expected.withUnsafeBytes { Array($0) },
        "\(info.name)")
    }
  }

  @Test("Half and bfloat16 are handed out as they are", arguments: [DType.float16, .bfloat16])
  func narrowTypes(_ dtype: DType) throws {
    let name = dtype == .float16 ? "half" : "bfloat16"
    let truth = try WeightFile.open(Fixture.path("torch/basic.npz"))
    let source = try WeightFile.open(Fixture.path("torch/basic.\(name).pth"))
    for info in source.tensors where info.dtype.isFloat {
      #expect(info.dtype == dtype)
      let expected = try truth.tensor(named: info.name).floats().map { value in
        dtype == .float16
          ? Float(halfBits: value.halfBits) : Float(bfloat16Bits: value.bfloat16Bits)
      }
      #expect(try source.tensor(named: info.name).floats() == expected, "\(info.name)")
    }
  }

  @Test("Of a nested checkpoint the model is taken, and the choice is said")
  func nested() throws {
    let source = try WeightFile.open(Fixture.path("torch/basic.checkpoint.pth"))
    #expect(source.metadata["torch.dictionary"] == "model_state_dict")
  }

  @Test("A hostile pickle is refused by name and place", arguments: Hostile.all)
  func refuses(_ hostile: Hostile) {
    var machine = PickleMachine(PickleBytes(hostile.bytes))
    let fault = #expect(throws: PickleMachine.Fault.self) { try machine.value() }
    #expect(fault?.problem.contains(hostile.expected) == true, "\(fault?.problem ?? "")")
  }

  @Test("No truncation and no changed byte of a pickle brings the machine down")
  func damage() throws {
    let archive = try ZipArchive(MappedFile(path: Fixture.path("torch/basic.pth")))
    let member = try #require(archive.members.first { $0.name.hasSuffix("data.pkl") })
    let good = try archive.bytes(of: member, limit: 1 << 20)
    for length in stride(from: 0, to: good.count, by: Thorough.step(11)) {
      var machine = PickleMachine(PickleBytes(Array(good[..<length])))
      #expect(throws: PickleMachine.Fault.self) { try machine.value() }
    }
    for position in stride(from: 0, to: good.count, by: Thorough.step(5)) {
      for value in [0x2E, 0x28, 0x52, 0x00, 0xFF] as [UInt8] {
        var bytes = good
        bytes[position] = value
        var machine = PickleMachine(PickleBytes(bytes))
        _ = try? machine.value()
      }
    }
  }

  @Test("A damaged checkpoint of either form is refused or read, never believed")
  func damagedFiles() throws {
    let folder = try TemporaryFolder()
    for name in ["basic.pth", "basic.legacy.pth"] {
      let good = try Fixture.bytes("torch/\(name)")
      for part in 0..<16 {
        let path = try folder.write(Array(good[..<(good.count * part / 16)]), to: "t.pth")
        #expect(throws: InputError.self) { try WeightFile.open(path) }
      }
      var generator = SplitMix64(seed: 2)
      for _ in 0..<200 {
        var bytes = good
        bytes[Int(generator.next() % UInt64(good.count))] = UInt8(
          truncatingIfNeeded: generator.next())
        let path = try folder.write(bytes, to: "t.pth")
        guard let source = try? WeightFile.open(path) else { continue }
        for tensor in source.tensors { _ = try? source.tensor(named: tensor.name) }
      }
    }
  }

  @Test("A storage of old that is meant whole is read")
  func wholeStorage() throws {
    let bytes =
      [0x80, 2, 0x28] + MadePickle.text("storage") + Array("ctorch\nFloatStorage\n".utf8)
      + MadePickle.text("0") + MadePickle.text("cpu") + [0x4B, 4, 0x4E, 0x74, 0x51, 0x2E]
    var machine = PickleMachine(PickleBytes(bytes))
    _ = try machine.value()
    #expect(machine.storages["0"] == TorchStorage(key: "0", dtype: .float32, count: 4))
  }

  @Test("A view that reaches beyond its storage, or repeats it, is no tensor")
  func views() {
    let storage = TorchStorage(key: "0", dtype: .float32, count: 12)
    func tensor(_ offset: Int, _ sizes: [Int], _ strides: [Int]) -> TorchTensor? {
      TorchTensor(
        storage: storage, dtype: .float32, offset: offset, sizes: sizes, strides: strides)
    }
    #expect(tensor(0, [3, 4], [4, 1])?.isContiguous == true)
    #expect(tensor(0, [4, 3], [1, 4])?.isContiguous == false)
    #expect(tensor(1, [3, 4], [4, 1]) == nil)
    #expect(tensor(0, [1 << 40], [0]) == nil)
    #expect(tensor(0, [2], [Int.max]) == nil)
    #expect(tensor(-1, [1], [1]) == nil)
    #expect(tensor(0, [3], [-1]) == nil)
    #expect(tensor(12, [0], [1])?.shape.elementCount == 0)
  }
}

/// A pickle that does harm where it is executed, and what must be said of it.
struct Hostile: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let expected: String
  let bytes: [UInt8]

  static let all: [Hostile] = [
    .init(
      "os.system", "asks for os.system",
      [0x80, 2] + Array("cos\nsystem\n".utf8) + text("id") + [0x85, 0x52, 0x2E]),
    .init(
      "eval by its new name", "asks for builtins.eval",
      [0x80, 4] + short("builtins") + short("eval") + [0x93] + short("1") + [0x85, 0x52, 0x2E]),
    .init(
      "a module of the installer", "asks for pip._internal.main",
      [0x80, 2] + Array("cpip._internal\nmain\n".utf8) + [0x29, 0x52, 0x2E]),
    .init(
      "instance", "uses the operation 0x69", [0x80, 2, 0x28] + Array("ios\nsystem\n".utf8) + [0x2E]),
    .init("extension registry", "uses the operation 0x82", [0x80, 2, 0x82, 1, 0x2E]),
    .init(
      "calls what it made", "calls something that is no name", [0x80, 2, 0x7D, 0x29, 0x52, 0x2E]),
    .init(
      "arguments of no state dict", "calls torch._utils._rebuild_tensor_v2 with arguments",
      [0x80, 2] + Array("ctorch._utils\n_rebuild_tensor_v2\n".utf8) + [0x29, 0x52, 0x2E]),
    .init(
      "contains itself", "within itself",
      [0x80, 2, 0x5D, 0x71, 0, 0x68, 0, 0x61, 0x68, 0, 0x61, 0x2E]),
    .init(
      "a million marks", "more than any checkpoint",
      [0x80, 2] + [UInt8](repeating: 0x28, count: 1_000_000)),
    .init(
      "a million lists", "more than any checkpoint",
      [0x80, 2] + [UInt8](repeating: 0x5D, count: 500_000)
        + [UInt8](repeating: 0x61, count: 500_000)),
    .init(
      "a million tuples", "nests too deep",
      [0x80, 2, 0x29] + [UInt8](repeating: 0x85, count: 1_000_000)),
    .init(
      "a huge number", "holds a number of 200 bytes",
      [0x80, 2, 0x8A, 200] + [UInt8](repeating: 1, count: 200) + [0x2E]),
    .init(
      "two gigabytes of number", "uses the operation 0x8b",
      [0x80, 2, 0x8B, 0xFF, 0xFF, 0xFF, 0x7F, 0x2E]),
    .init(
      "text that is not there", "ends too early", [0x80, 2, 0x58, 0xFF, 0xFF, 0xFF, 0x7F, 0x61]),
    .init(
      "data by another way", "refers to data in an unknown way",
      [0x80, 2] + text("file:///etc/passwd") + [0x51, 0x2E]),
    .init(
      "a part of a storage", "view_metadata",
      [0x80, 2] + storage(part: text("view") + [0x4B, 1, 0x4B, 2, 0x87]) + [0x2E]),
    .init(
      "a storage of more than a part", "view_metadata",
      [0x80, 2] + storage(part: [0x4E, 0x4E]) + [0x2E]),
    .init("an expanded tensor", "an expanded tensor", tensor(sizes: [5], strides: [0])),
    .init(
      "a tensor beyond its storage", "reaches beyond its storage of 4",
      tensor(sizes: [5], strides: [1])),
    .init(
      "a negated tensor", "their negative",
      tensor(sizes: [3], strides: [1], metadata: [0x7D] + text("neg") + [0x88, 0x73])),
    .init(
      "a tensor of eight bits", "of the type torch.float8_e4m3fn",
      tensor(
        sizes: [3], strides: [1], function: "_rebuild_tensor_v3",
        metadata: Array("ctorch\nfloat8_e4m3fn\n".utf8))),
    .init("a memo that was never kept", "never remembered", [0x80, 2, 0x68, 7, 0x2E]),
    .init("protocol 254", "is of protocol 254", [0x80, 254, 0x4E, 0x2E]),
    .init("two values", "ends with 2 values", [0x80, 2, 0x4E, 0x4E, 0x2E]),
    .init("nothing", "ends too early", []),
  ]

  private init(_ name: String, _ expected: String, _ bytes: [UInt8]) {
    testDescription = name
    self.expected = expected
    self.bytes = bytes
  }

  private static func text(_ text: String) -> [UInt8] {
    [0x58, UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8)
  }

  /// A storage of four values, with what may follow their number.
  private static func storage(part: [UInt8] = []) -> [UInt8] {
    [0x28] + text("storage") + Array("ctorch\nFloatStorage\n".utf8) + text("0") + text("cpu")
      + [0x4B, 4] + part + [0x74, 0x51]
  }

  private static func tensor(
    sizes: [UInt8], strides: [UInt8], function: String = "_rebuild_tensor_v2",
    metadata: [UInt8] = [0x7D]
  ) -> [UInt8] {
    func tuple(_ values: [UInt8]) -> [UInt8] { [0x28] + values.flatMap { [0x4B, $0] } + [0x74] }
    return [0x80, 2] + Array("ctorch._utils\n\(function)\n".utf8) + [0x28] + storage() + [0x4B, 0]
      + tuple(sizes) + tuple(strides) + [0x89, 0x7D] + metadata + [0x74, 0x52, 0x2E]
  }

  private static func short(_ text: String) -> [UInt8] {
    [0x8C, UInt8(text.utf8.count)] + Array(text.utf8)
  }
}
