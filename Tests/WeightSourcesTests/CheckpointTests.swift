import Files
import Tensors
import TestSupport
import Testing

@testable import WeightSources

@Suite("PyTorch checkpoints as training scripts write them")
struct CheckpointTests {
  typealias Value = MadeCheckpoint.Value

  static let names = ["conv1.weight", "fc.weight", "fc.bias"]
  static let weights = MadeCheckpoint.weights(names)

  private func open(
    _ entries: [(Value, Value)], dictionary: String? = nil
  ) throws -> any WeightSource {
    let folder = try TemporaryFolder()
    let bytes = MadeCheckpoint(.dictionary(entries)).file()
    return try WeightFile.open(try folder.write(bytes, to: "x.pth"), dictionary: dictionary)
  }

  @Test("Objects beside the weights are passed over by name and never made", arguments: Beside.all)
  func passesOver(_ beside: Beside) throws {
    let source = try open([
      (.text("args"), beside.value), (.text("epoch"), .integer(3)),
      (.text("state_dict"), Self.weights),
    ])
    #expect(source.tensors.map(\.name) == Self.names)
    #expect(source.metadata["torch.dictionary"] == "state_dict")
    #expect(source.metadata["ignored.objects"]?.contains(beside.name) == true)
    #expect(source.metadata["torch.dictionary.assumed"] == nil)
  }

  /// What people keep beside the weights.
  struct Beside: Sendable, CustomTestStringConvertible {
    let name: String
    let value: Value
    var testDescription: String { name }

    static let all: [Beside] = [
      .init(
        name: "argparse.Namespace",
        value: .object("argparse.Namespace", state: .dictionary([(.text("lr"), .integer(1))]))),
      .init(name: "pathlib.PosixPath", value: .call("pathlib.PosixPath", [.text("runs")])),
      .init(name: "models.Kind", value: .call("models.Kind", [.integer(2)])),
      .init(
        name: "numpy.core.multiarray.scalar",
        value: .call(
          "numpy.core.multiarray.scalar",
          [
            .call("numpy.dtype", [.text("f8"), .integer(0)], state: .list([.integer(3)])),
            .text("12345678"),
          ])),
      .init(
        name: "omegaconf.dictconfig.DictConfig",
        value: .object(
          "omegaconf.dictconfig.DictConfig",
          state: .dictionary([
            (.text("_content"), .object("omegaconf.nodes.AnyNode", state: .dictionary([])))
          ]))),
      .init(
        name: "functools.partial", value: .list([.call("functools.partial", [.text("relu")])])),
    ]
  }

  @Test(
    "A file that takes over the program that loads it is refused by what it asks for",
    arguments: ["os.system", "posix.system", "builtins.eval", "subprocess.Popen", "runpy.run_path"])
  func harmful(_ name: String) throws {
    let error = #expect(throws: InputError.self) {
      try open([
        (.text("args"), .call(name, [.text("id")])), (.text("state_dict"), Self.weights),
      ])
    }
    #expect(error?.problem.contains("asks for \(name)") == true)
  }

  @Test("A sparse tensor beside the weights is passed over by its name", arguments: ["coo", "csr"])
  func sparse(_ layout: String) throws {
    let tensor = Value.call(
      "torch._utils._rebuild_sparse_tensor",
      [
        .call("torch.serialization._get_layout", [.text("torch.sparse_\(layout)")]),
        .list([.tensor([2, 3]), .tensor([3])]),
      ])
    guard case .dictionary(let pairs) = Self.weights else { return }
    let source = try open(pairs + [(.text("graph.edges"), tensor)])
    #expect(source.tensors.map(\.name) == Self.names)
    #expect(source.metadata["torch.sparse.assumed"] == "tensors graph.edges belong to no layer")
  }

  @Test(
    "A tensor of a form that is not read is refused by name, however few are missing then",
    arguments: [
      ("torch._utils._rebuild_qtensor", "fc.weight"), ("torch._utils._rebuild_qtensor", "fc.zero"),
      ("torch._utils._rebuild_sparse_tensor", "fc.weight"),
      ("torch._utils._rebuild_nested_tensor", "fc.bias"),
    ])
  func unreadTensors(_ call: String, _ name: String) throws {
    guard case .dictionary(let pairs) = Self.weights else { return }
    let tensor = Value.call(call, [.tensor([2, 3])])
    // As a quantised layer keeps it: the matrix beside the bias.
    for value in [tensor, .list([tensor, .tensor([3])])] {
      let others = pairs.filter { if case .text(name) = $0.0 { false } else { true } }
      let error = #expect(throws: InputError.self) { try open(others + [(.text(name), value)]) }
      #expect(error?.problem == "has a tensor of a form that is not read")
      #expect(error?.place == "\(name): \(call)")
    }
  }

  @Test(
    "What stands among a layer's tensors and is none is refused by name, elsewhere it is passed over",
    arguments: [
      ("fc.bias", true), ("conv1.note", true), ("fc._extra_state", false), ("history.loss", false),
      ("history", false), ("conv1.num_batches_tracked", false),
    ])
  func strangers(_ name: String, isRefused: Bool) throws {
    guard case .dictionary(let pairs) = MadeCheckpoint.weights(["conv1.weight", "fc.weight"]) else {
      return
    }
    for value in [Value.list([.integer(1), .integer(2)]), .call("models.Kind", [.integer(2)])] {
      let entries = pairs + [(.text(name), value)]
      guard isRefused else {
        #expect(try open(entries).tensors.count == 2)
        continue
      }
      let error = #expect(throws: InputError.self) { try open(entries) }
      #expect(error?.problem == "has an entry among a layer's tensors that is no tensor")
      #expect(error?.place == name)
    }
  }

  @Test(
    "A parameter that is a number, a text or a dictionary is refused by name; None is no parameter")
  func plainParameters() throws {
    guard case .dictionary(let pairs) = MadeCheckpoint.weights(["conv1.weight", "fc.weight"]) else {
      return
    }
    let nested = Value.dictionary([(.text("bias"), .tensor([2]))])
    for (name, value) in [
      ("fc.bias", Value.integer(1)), ("fc.bias", .text("zeros")), ("fc.bias", nested),
      ("fc", nested),
    ] {
      let error = #expect(throws: InputError.self) { try open(pairs + [(.text(name), value)]) }
      #expect(error?.place == name)
    }
    #expect(try open(pairs + [(.text("fc.bias"), .none)]).tensors.count == 2)
    #expect(try open(pairs + [(.text("fc.stride"), .integer(1))]).tensors.count == 2)
  }

  @Test("A view of values of the other sign is not taken for the values")
  func negativeViews() throws {
    let error = #expect(throws: InputError.self) {
      try open([(.text("fc.weight"), .negativeTensor([2, 2]))])
    }
    #expect(error?.problem.contains("of other values than are stored: their negative") == true)
  }

  @Test(
    "A single number with a point beside the weights may be the network's: it is not passed over")
  func parameters() throws {
    guard case .dictionary(let pairs) = Self.weights else { return }
    let source = try open(pairs + [(.text("temperature"), .tensor([]))])
    #expect(source.tensors.map(\.name) == Self.names + ["temperature"])
  }

  @Test(
    "Arrays of NumPy in place of tensors are told what they are, with the line that saves them",
    arguments: ["numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"])
  func arrays(_ name: String) throws {
    let array = Value.call(name, [.call("numpy.ndarray", []), .list([.integer(0)]), .text("b")])
    let weights = Value.dictionary([(.text("conv1.weight"), array), (.text("fc.weight"), array)])
    let plain = #expect(throws: InputError.self) {
      try open([(.text("conv1.weight"), array)])
    }
    #expect(plain?.problem == "holds arrays of NumPy in place of tensors")
    let error = #expect(throws: InputError.self) {
      try open([(.text("epoch"), .integer(1)), (.text("state_dict"), weights)])
    }
    #expect(error?.hint?.contains("weights_only=False)['state_dict']; numpy.savez(") == true)
  }

  @Test("A single number beside the weights is never taken for the model")
  func strayScalars() throws {
    let source = try open([
      (.text("best_acc1"), .tensor([])), (.text("state_dict"), Self.weights),
    ])
    #expect(source.tensors.map(\.name) == Self.names)
    for prefix in ["", "student."] {
      let average = try open([
        (.text("\(prefix)n_averaged"), .tensor([])),
        (.text("\(prefix)module.fc.weight"), .tensor([2, 2])),
      ])
      #expect(average.tensors.map(\.name) == ["\(prefix)module.fc.weight"])
      #expect(average.metadata["ignored.entries"] == "1")
    }
  }

  @Test(
    "Of several dictionaries the likeliest is taken, which is said, and another one by its name")
  func choice() throws {
    let entries: [(Value, Value)] = [
      (.text("state_dict_ema"), MadeCheckpoint.weights(["ema.weight"])),
      (.text("state_dict"), Self.weights), (.text("epoch"), .integer(1)),
      (.text("optimizer"), .dictionary([(.integer(0), MadeCheckpoint.weights(["exp_avg"]))])),
    ]
    let likely = try open(entries)
    #expect(likely.tensors.map(\.name) == Self.names)
    let said = try #require(likely.metadata["torch.dictionary.assumed"])
    #expect(said.contains("state_dict rather than state_dict_ema (1 tensors)"))
    let other = try open(entries, dictionary: "state_dict_ema")
    #expect(other.tensors.map(\.name) == ["ema.weight"])
    #expect(other.metadata["torch.dictionary.assumed"] == nil)
    let error = #expect(throws: InputError.self) {
      try open(entries, dictionary: "ema")
    }
    #expect(error?.place?.contains("state_dict_ema") == true)
  }

  @Test("Dictionaries without a usual name are listed, and none is taken")
  func undecided() throws {
    let entries: [(Value, Value)] = [
      (.text("generator"), MadeCheckpoint.weights(["a.weight"])),
      (.text("critic"), .dictionary([(.text("net"), MadeCheckpoint.weights(["b.weight"]))])),
    ]
    let error = #expect(throws: InputError.self) { try open(entries) }
    #expect(error?.place == "generator (1 tensors), critic.net (1 tensors)")
    #expect(error?.hint?.contains("--dictionary") == true)
    let critic = try open(entries, dictionary: "critic.net")
    #expect(critic.tensors.map(\.name) == ["b.weight"])
  }

  @Test("A whole module and a compiled one are refused with the way to a state dict")
  func modules() throws {
    let folder = try TemporaryFolder()
    let module = Value.object(
      "__main__.Net", state: .dictionary([(.text("_parameters"), .dictionary([]))]))
    for root in [module, .dictionary([(.text("model"), module)])] {
      let path = try folder.write(MadeCheckpoint(root).file(), to: "model.pt")
      let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
      #expect(error?.problem.contains("holds a whole module") == true)
      #expect(error?.hint?.contains("torch.save(model.state_dict()") == true)
    }
    let compiled = MadeCheckpoint(module).file(adding: [("archive/constants.pkl", [0x80, 2, 0x2E])])
    let path = try folder.write(compiled, to: "script.pt")
    let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
    #expect(error?.problem.contains("TorchScript") == true)
    #expect(error?.hint?.contains("torch.jit.load") == true)
  }

  @Test(
    "Lists and dictionaries that stand in many places are walked once", .timeLimit(.minutes(30)))
  func shared() throws {
    let folder = try TemporaryFolder()
    // Forty lists, each twice in the next: a tree of 2⁴⁰ leaves.
    var lists: [UInt8] = [0x5D, 0x71, 0]
    for level in 1...40 as ClosedRange<UInt8> {
      lists += [0x5D, 0x71, level, 0x68, level - 1, 0x61, 0x68, level - 1, 0x61]
    }
    let path = try folder.write(
      storedZip([
        (
          "a/data.pkl",
          [0x80, 2, 0x5D, 0x71, 99, 0x30] + lists
            + [0x71, 41] + [0x7D, 0x28, 0x58, 1, 0, 0, 0, 0x61, 0x68, 41, 0x75] + [0x2E]
        )
      ]), to: "x.pth")
    #expect(throws: InputError.self) { try WeightFile.open(path) }

    let key: (Int) -> [UInt8] = { [0x58, 4, 0, 0, 0] + Array(String(1000 + $0).utf8) }
    var dictionaries: [UInt8] = [0x80, 2, 0x7D, 0x71, 0]
    for level in 1...6 as ClosedRange<UInt8> {
      dictionaries += [0x7D, 0x71, level, 0x28]
      for number in 0..<1000 { dictionaries += key(number) + [0x68, level - 1] }
      dictionaries += [0x75]
    }
    dictionaries += [0x7D, 0x28] + key(0) + [0x68, 6, 0x75]
    // All but the last value leave the stack.
    let whole = dictionaries + [0x71, 7] + [UInt8](repeating: 0x30, count: 8) + [0x68, 7, 0x2E]
    let second = try folder.write(storedZip([("a/data.pkl", whole)]), to: "y.pth")
    let error = #expect(throws: InputError.self) { try WeightFile.open(second) }
    #expect(error?.problem == "holds no tensors")
  }

  @Test(
    "A long list that calls share again and again is not copied for each", .timeLimit(.minutes(30)))
  func sharedArguments() throws {
    var pickle: [UInt8] = [0x80, 2, 0x5D, 0x71, 0, 0x28]
    for _ in 0..<20 { pickle += [UInt8](repeating: 0x29, count: 900) + [0x65, 0x28] }
    pickle += [0x65, 0x85, 0x71, 1]
    for _ in 0..<20_000 {
      pickle += Array("ccollections\nOrderedDict\n".utf8) + [0x68, 1, 0x52, 0x30]
    }
    var machine = PickleMachine(PickleBytes(pickle + [0x2E]))
    #expect(throws: PickleMachine.Fault.self) { try machine.value() }
  }

  @Test("An empty tensor begins within its storage or at its end, or is refused")
  func emptyTensor() throws {
    let storage = TorchStorage(key: "0", dtype: .float32, count: 4)
    func tensor(at offset: Int) -> TorchTensor? {
      TorchTensor(
        storage: storage, dtype: .float32, offset: offset, sizes: [0, 3], strides: [3, 1])
    }
    #expect(tensor(at: 4)?.offset == 0)
    #expect(tensor(at: 5) == nil)
    #expect(tensor(at: 1 << 62) == nil)
  }

  @Test("Many views of all data of a small file are refused")
  func manyViews() throws {
    var entries: [(Value, Value)] = []
    for number in 0..<4 { entries.append((.text("\(number)"), .tensor([64, 64]))) }
    #expect(try open(entries).tensors.count == 4)
    // One storage of 64 kB under a thousand names.
    var pickle: [UInt8] = [0x80, 2, 0x7D, 0x28, 0x58, 1, 0, 0, 0, 0x61]
    let made = MadeCheckpoint(.dictionary([(.text("a"), .tensor([128, 128]))])).file()
    let archive = try ZipArchive(MappedFile(temporary: made, path: "x"))
    let member = try #require(archive.member(named: "archive/data.pkl"))
    let good = try archive.bytes(of: member, limit: 1 << 20)
    // The tensor is what stands between the key and the end of the dictionary.
    let tensor = good[10..<good.count - 2]
    pickle += tensor + [0x71, 9]
    for number in 1000..<2000 {
      pickle += [0x58, 4, 0, 0, 0] + Array(String(number).utf8) + [0x68, 9]
    }
    pickle += [0x75, 0x2E]
    let data = [UInt8](repeating: 0, count: 4 * 128 * 128)
    let folder = try TemporaryFolder()
    let path = try folder.write(
      storedZip([("archive/data.pkl", pickle), ("archive/data/0", data)]), to: "x.pth")
    let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
    #expect(error?.problem == "declares many times more data than it holds")
  }
}
