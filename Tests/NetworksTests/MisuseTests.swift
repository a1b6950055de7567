import Files
import Networks
import RNW
import TestSupport
import Testing
import WeightSources

/// Every public function with arguments that nobody should give: an error with its reason, never the end of the program.
@Suite("Misuse of the public interface", .timeLimit(.minutes(30)))
struct MisuseTests {
  private func network(pool: WorkerPool = .shared) throws -> Network {
    try Network(contentsOf: NetworkTests.converted, pool: pool)
  }

  private func reason(of body: () throws -> Void) -> InputError.Reason? {
    do {
      try body()
      return nil
    } catch {
      return (error as? InputError)?.reason
    }
  }

  // MARK: - Files

  @Test("A file that is no network is refused with the rule that it breaks")
  func refusesFiles() throws {
    let folder = try TemporaryFolder()
    let bytes = try Fixture.bytes("rnw/narrow.float32.none.rnw")
    func written(_ change: (inout [UInt8]) -> Void) throws -> String {
      var changed = bytes
      change(&changed)
      return try folder.write(changed, to: "x.rnw")
    }
    func opened(_ path: String) -> InputError.Reason? {
      reason { _ = try Network(contentsOf: path) }
    }
    #expect(opened("") == .missing)
    #expect(opened(folder.file("missing.rnw")) == .missing)
    #expect(opened(folder.path) == .unreadable)
    #expect(opened(NetworkTests.converted + "/x") == .unreadable)
    #expect(opened(try written { $0 = [] }) == .unknownContainer)
    #expect(opened(try written { $0 = Array("hello".utf8) }) == .unknownContainer)
    #expect(opened(try written { $0[$0.count - 1] ^= 1 }) == .damaged)
    #expect(opened(try written { $0.removeLast(64) }) == .malformed)
    #expect(
      opened(try written { $0.replace("\"rnw.version\":\"1.0\"", "\"rnw.version\":\"9.0\"") })
        == .unsupportedVersion)
    #expect(
      opened(try written { $0.replace("\"limit\\\":2e-05", "\"limit\\\":2e-06") }) == .damaged)
    #expect(opened(Fixture.path("keras/narrow.activations.npz")) == .unknownNetwork)
    #expect(opened(Fixture.path("images/rgb.png")) == .unknownContainer)
  }

  @Test("A tensor that a file lacks is refused, in every container that needs no other program")
  func refusesTensorNames() throws {
    for path in [
      NetworkTests.converted, NetworkTests.original, Fixture.path("keras/narrow.safetensors"),
      Fixture.path("torch/basic.pth"),
    ] {
      let source = try WeightFile.open(path)
      for name in ["", "stem", "\0", String(repeating: "x", count: 100_000)] {
        #expect(reason { _ = try source.tensor(named: name) } == .noSuchTensor, "\(path)")
      }
    }
    let file = try RNWFile(path: NetworkTests.converted)
    #expect(reason { _ = try file.mappedTensor(named: "x") } == .noSuchTensor)
    #expect(reason { try file.verify(tensorNamed: "x") } == .noSuchTensor)
    #expect(!file.isMapped(tensorNamed: "x") && !file.hasScales(tensorNamed: "x"))
    try file.verify(threads: -1)
    _ = try file.tensor(named: "stem.conv.weight", threads: .min)
    #expect(reason { _ = try file.source(as: [Int].self) } == .malformed)
  }

  @Test("A dictionary that a file lacks is refused", arguments: ["", "model", "a.b.c"])
  func refusesDictionaries(_ name: String) {
    #expect(reason { _ = try WeightFile.open(NetworkTests.original, dictionary: name) } != nil)
  }

  // MARK: - Values

  @Test("Values that do not fill their dimensions are refused")
  func refusesCounts() throws {
    for shape in [
      [], [3], [1, 1, 1, -1], [-1, -1], [Int.max, 2], [Int.min], [2, 2, 3],
      [Int](repeating: 1, count: 40),
    ] {
      #expect(throws: ValueCountError.self) { try Activation([1, 2], shape: shape) }
      #expect(throws: ValueCountError.self) { try TensorData([1, 2], shape: shape) }
      for type in DType.allCases where type.byteWidth != 2 || shape != [] {
        #expect(throws: ValueCountError.self, "\(type) \(shape)") {
          try TensorData([1, 2, 3, 4, 5], dtype: type, shape: shape)
        }
      }
    }
    #expect(try Activation([], shape: [0, 4, 4, 3]).largest(1).isEmpty)
    #expect(try Activation([1], shape: []).largest(1).isEmpty)
    #expect(try Activation([1, .nan, 2], shape: [1, 3]).largest(9)[0].map(\.index) == [2, 0, 1])
    #expect(try Activation([1, 2], shape: [1, 2]).largest(-1)[0].isEmpty)
    for type in DType.allCases {
      let data = try TensorData(
        [UInt8](repeating: 255, count: type.byteWidth), dtype: type, shape: [])
      #expect(data.floats().count == 1)
      #expect(try TensorData([], dtype: type, shape: [0]).floats().isEmpty)
    }
  }

  @Test("An input of another shape is refused with the rule that it breaks")
  func refusesShapes() throws {
    let network = try network()
    func refusal(_ shape: [Int]) throws -> InputShapeError.Reason? {
      let values = [Float](repeating: 0, count: shape.reduce(1, *))
      let input = try Activation(values, shape: shape)
      do {
        _ = try network.run(input)
        return nil
      } catch {
        return error.reason
      }
    }
    #expect(try refusal([]) == .rank)
    #expect(try refusal([3]) == .rank)
    #expect(try refusal([8, 8, 3]) == .rank)
    #expect(try refusal([1, 8, 8, 3, 1]) == .rank)
    #expect(try refusal([0, 8, 8, 3]) == .empty)
    #expect(try refusal([1, 0, 8, 3]) == .empty)
    #expect(try refusal([1, 8, 8, 1]) == .channels(expected: 3))
    #expect(try refusal([1, 3, 8, 8]) == .channels(expected: 3))
    #expect(try refusal([2, 1, 1, 3]) == nil)
    for shape in [
      Shape([1, 1 << 40, 1, 3]), [1, 1 << 31, 1 << 28, 3], [1 << 40, 224, 224, 3],
    ] {
      _ = try? network.outputShape(for: shape)
      _ = try? network.graph.shapes(for: shape)
    }
  }

  @Test("Numbers that are not finite run through, and prove nothing")
  func takesNotFinite() throws {
    let network = try network()
    for value in [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude] {
      let input = try Activation(
        [Float](repeating: value, count: 32 * 32 * 3), shape: [1, 32, 32, 3])
      #expect(try network.run(input).shape == [1, 10])
    }
  }

  @Test("Pixels that are no image are refused")
  func refusesPixels() throws {
    let network = try network()
    for (count, width, height) in [
      (0, 0, 0), (0, 1, 1), (3, 2, 1), (3, -1, -1), (12, -2, -2), (0, .max, .max), (3, .min, 1),
      (0, .max, 3), (0, 1 << 32, 1 << 32),
    ] {
      let pixels = [UInt8](repeating: 0, count: count)
      #expect(
        reason { _ = try network.input(pixels: pixels, width: width, height: height) }
          == .unfitInput, "\(count) \(width) \(height)")
    }
    #expect(try network.input(pixels: [1, 2, 3], width: 1, height: 1).shape[0] == 1)
  }

  @Test("Files that are no input are refused")
  func refusesInputs() throws {
    let network = try network()
    let folder = try TemporaryFolder()
    #expect(reason { _ = try network.input(contentsOf: folder.path) } == .unfitInput)
    #expect(reason { _ = try network.input(contentsOf: folder.file("x.png")) } == .missing)
    for path in [NetworkTests.converted, NetworkTests.original, Fixture.path("torch/basic.pth")] {
      #expect(reason { _ = try network.input(contentsOf: path) } == .unfitInput, "\(path)")
    }
  }

  // MARK: - Threads, executors, comparisons

  @Test("Any number of threads is taken", arguments: [Int.min, -1, 0, 3])
  func takesThreads(_ threads: Int) throws {
    let network = try network(pool: WorkerPool(threads: threads))
    let input = try Activation([Float](repeating: 0, count: 32 * 32 * 3), shape: [1, 32, 32, 3])
    #expect(try network.run(input).shape == [1, 10])
  }

  @Test("An executor refuses what does not fit, and takes any shape that it is told to expect")
  func executors() throws {
    let graph = try network().graph
    #expect(throws: ParametersError.self) { try Parameters([:], for: graph) }
    let file = try RNWFile(path: NetworkTests.converted)
    let tensors = try file.tensors.map { ($0.name, try file.tensor(named: $0.name)) }
    let parameters = try Parameters(Dictionary(uniqueKeysWithValues: tensors), for: graph)
    let input = try Activation([Float](repeating: 0, count: 32 * 32 * 3), shape: [1, 32, 32, 3])
    for shape in [[], [1], [0, 0, 0, 0], [1, 1, 1, 1], [1, 1 << 31, 1 << 28, 3]] as [Shape] {
      let executor = FastExecutor(parameters, pool: WorkerPool(threads: 0), expecting: shape)
      #expect(throws: (any Error).self) {
        try executor.run(Activation([], shape: [0]), observer: nil)
      }
    }
    let executors: [any Executor] = [
      FastExecutor(parameters, pool: WorkerPool(threads: 1)),
      ReferenceExecutor(parameters, pool: WorkerPool(threads: -1)),
    ]
    for executor in executors {
      for node in [-1, graph.nodes.count, .max] {
        #expect(throws: (any Error).self) { try executor.evaluate(node, inputs: [input]) }
      }
      #expect(throws: (any Error).self) { try executor.evaluate(1, inputs: []) }
      #expect(throws: (any Error).self) {
        try executor.evaluate(graph.outputIndex, inputs: [input, input])
      }
    }
    #expect(graph.index(of: "") == nil)
  }

  @Test(
    "Comparisons with nothing, with another network and with a bad limit end with an error or fail")
  func comparisons() throws {
    let network = try network()
    let other = Fixture.path("torch/basic.pth")
    for path in ["", "missing", other, Fixture.path("images/rgb.png")] {
      #expect(throws: InputError.self) { try compare(network, contentsOf: path) }
    }
    #expect(throws: InputError.self) {
      try compare(network, network, images: "missing")
    }
    let images = Fixture.path("images/small.png")
    for limit in [-1, Double.nan, -Double.infinity] {
      let result = try compare(
        network, contentsOf: Fixture.path("rnw/narrow.float16.none.rnw"), images: images,
        limit: limit)
      #expect(!result.passes, "\(limit)")
    }
  }
}

extension [UInt8] {
  /// Replaces the first occurrence of a text by another of the same length.
  fileprivate mutating func replace(_ old: String, _ new: String) {
    guard let range = firstRange(of: Array(old.utf8)) else { return }
    replaceSubrange(range, with: Array(new.utf8))
  }
}
