import Files
import Tensors
import TestSupport
import Testing

@testable import WeightSources

@Suite("Pickles of arrays")
struct PickleTests {
  @Test(
    "Every protocol gives the arrays that NumPy holds, bit for bit",
    arguments: ["numpy1", "protocol2", "protocol3", "protocol4", "protocol5"])
  func values(_ form: String) throws {
    let truth = try WeightFile.open(Fixture.path("haiku/arrays.npz"))
    let source = try WeightFile.open(Fixture.path("haiku/arrays.\(form).pkl"))
    #expect(source.container == "pickle")
    #expect(source.tensors.count == truth.tensors.count + 3)
    for info in truth.tensors {
      let tensor = try source.tensor(named: info.name)
      #expect(tensor.shape == info.shape && tensor.dtype == info.dtype, "\(info.name)")
      let expected = try truth.tensor(named: info.name)
      #expect(bytes(of: tensor) == bytes(of: expected), "\(info.name)")
    }
    // The same object in another place, whose type was filled only after it was first referred to.
    let again = try source.tensor(named: "again/f4")
    #expect(try bytes(of: again) == bytes(of: truth.tensor(named: "plain/f4")))
    let bfloat16 = try source.tensor(named: "narrow/bfloat16")
    #expect(bfloat16.dtype == .bfloat16)
    #expect(try bfloat16.floats() == truth.tensor(named: "plain/f4").floats())
    #expect(try source.tensor(named: "narrow/scalar").floats() == [1.5])
    let passedOver = try #require(source.metadata["ignored.objects"])
    #expect(passedOver == "numpy.dtype U2, numpy.dtype O8, numpy.dtype c8")
  }

  @Test(
    "Parameters and state of Haiku have the names and values of one archive",
    arguments: [
      "bottleneck.pkl", "bottleneck.jax.pkl", "bottleneck.flatmap.pkl", "bottleneck.protocol2.pkl",
    ])
  func haiku(_ name: String) throws {
    let truth = try WeightFile.open(Fixture.path("haiku/bottleneck.npz"))
    let source = try WeightFile.open(Fixture.path("haiku/\(name)"))
    #expect(Set(source.tensors.map(\.name)) == Set(truth.tensors.map(\.name)))
    for info in truth.tensors {
      let (tensor, expected) = (
        try source.tensor(named: info.name), try truth.tensor(named: info.name)
      )
      #expect(bytes(of: tensor) == bytes(of: expected), "\(info.name)")
    }
    #expect(source.metadata["ignored.entries"] == (name.contains("jax") ? "1" : nil))
  }

  @Test(
    "What stands among a layer's arrays and is none is refused; a number beside weights is not passed over"
  )
  func strangers() throws {
    let folder = try TemporaryFolder()
    let array = MadePickle.array([2], bytes: [0, 0, 128, 63, 0, 0, 0, 64])
    let number = MadePickle.array([], bytes: [0, 0, 128, 63])
    func open(_ pairs: [(String, [UInt8])]) throws -> any WeightSource {
      let file = MadePickle.file(MadePickle.dictionary(pairs))
      return try WeightFile.open(try folder.write(file, to: "x.pkl"))
    }
    let list = MadePickle.list(2, of: [0x4B, 1])
    let error = #expect(throws: InputError.self) {
      try open([("fc.weight", array), ("fc.bias", list)])
    }
    #expect(error?.place == "fc.bias")
    #expect(try open([("fc.weight", array), ("losses", list)]).tensors.count == 1)
    let flat = try open([("fc.weight", array), ("temperature", number)])
    #expect(flat.tensors.map(\.name) == ["fc.weight", "temperature"])
    let above = try open([
      ("params", MadePickle.dictionary([("net/~/conv", MadePickle.dictionary([("w", array)]))])),
      ("loss", number),
    ])
    #expect(above.tensors.map(\.name) == ["net/~/conv/w"])
    #expect(above.metadata["ignored.entries"] == "1")
  }

  @Test("Parameters alone keep the names that their modules have, whatever stands above these")
  func wrappers() throws {
    let folder = try TemporaryFolder()
    let array = MadePickle.array([2], bytes: [0, 0, 128, 63, 0, 0, 0, 64])
    let module = MadePickle.dictionary([("w", array)])
    let linear = MadePickle.dictionary([("linear", module), ("net/~/conv", module)])
    for pickle in [linear, MadePickle.dictionary([("params", linear)]), linear + [0x85]] {
      let path = try folder.write(MadePickle.file(pickle), to: "x.pkl")
      let source = try WeightFile.open(path)
      #expect(source.tensors.map(\.name) == ["linear/w", "net/~/conv/w"])
      #expect(try source.tensor(named: "linear/w").floats() == [1, 2])
    }
    let flat = MadePickle.dictionary([("conv1.weight", array), ("epoch", [0x4B, 3])])
    let source = try WeightFile.open(
      try folder.write(MadePickle.file(flat), to: "y.pickle"))
    #expect(source.tensors.map(\.name) == ["conv1.weight"])
  }

  @Test("A pickle that is no pickle of arrays is refused by what is wrong", arguments: Broken.all)
  func refuses(_ broken: Broken) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(broken.bytes, to: "x.pkl")
    let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
    #expect(error?.kind == .badData)
    let description = error?.description ?? ""
    #expect(description.contains(broken.expected), "\(description)")
    #expect(!description.contains("\n"))
  }

  @Test(
    "No truncation is believed, and no changed byte brings the reader down",
    .timeLimit(.minutes(30)), arguments: [2, 5])
  func damage(_ version: Int) throws {
    let folder = try TemporaryFolder()
    let good = try Fixture.bytes("haiku/arrays.protocol\(version).pkl")
    for length in stride(from: 0, to: good.count, by: Thorough.step(61)) {
      let path = try folder.write(Array(good[..<length]), to: "t.pkl")
      #expect(throws: InputError.self) { try WeightFile.open(path) }
    }
    for position in stride(from: 0, to: good.count, by: Thorough.step(17)) {
      for value in [0x2E, 0x28, 0x52, 0x62, 0x00, 0xFF] as [UInt8] {
        var bytes = good
        bytes[position] = value
        let path = try folder.write(bytes, to: "t.pkl")
        guard let source = try? WeightFile.open(path) else { continue }
        for tensor in source.tensors { _ = try? source.tensor(named: tensor.name) }
      }
    }
  }

  private func bytes(of tensor: TensorData) -> [UInt8] { tensor.withUnsafeBytes { Array($0) } }
}

extension PickleTests {
  /// A pickle and what must be said of it.
  struct Broken: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let expected: String
    let bytes: [UInt8]

    init(_ name: String, _ expected: String, _ value: [UInt8], after: [UInt8] = []) {
      testDescription = name
      self.expected = expected
      bytes = MadePickle.file(value) + after
    }

    private static let four: [UInt8] = [1, 2, 3, 4]

    static let all: [Broken] = [
      .init(
        "harm", "asks for os.system",
        Array("cos\nsystem\n".utf8) + MadePickle.text("id") + [0x85, 0x52]),
      .init("no arrays", "holds no arrays", MadePickle.dictionary([("a", [0x4E])])),
      .init(
        "a class", "it makes sklearn.svm.SVC", Array("csklearn.svm\nSVC\n".utf8) + [0x29, 0x81]),
      .init(
        "Haiku's mapping by its parts", "it makes haiku._src.data_structures.FlatMapping",
        Array("chaiku._src.data_structures\nFlatMapping\n".utf8) + [0x29, 0x81, 0x7D, 0x62]),
      .init(
        "bytes missing", "8 bytes were expected, 4 are there",
        MadePickle.array([2], bytes: four)),
      .init(
        "bytes left over", "4 bytes were expected, 8 are there",
        MadePickle.array([1], bytes: four + four)),
      .init(
        "a negative size", "impossible shape",
        MadePickle.array([], sizes: [0x4A, 0xFF, 0xFF, 0xFF, 0xFF, 0x85], bytes: four)),
      .init(
        "a size that overflows", "impossible shape",
        MadePickle.array(
          [], sizes: [0x8A, 8, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x4B, 4, 0x86], bytes: four)),
      .init(
        "an order that is none", "type of an unknown byte order",
        MadePickle.array([1], order: "=", bytes: four)),
      .init(
        "no order", "array of an unknown byte order",
        MadePickle.array([1], order: nil, bytes: four)),
      .init(
        "text that is no bytes", "text of another kind",
        MadePickle.array(
          [342], content: MadePickle.encoded(String(repeating: "\u{20AC}abc", count: 342)))),
      .init(
        "a short text that is no bytes", "calls _codecs.encode with arguments",
        MadePickle.array([1], content: MadePickle.encoded("\u{20AC}abc"))),
      .init(
        "filled twice", "fills an array in a way that NumPy does not",
        MadePickle.array([1], bytes: four) + [0x4E, 0x62]),
      .init(
        "one name twice", "'params' and 'ema'",
        MadePickle.dictionary(
          ["params", "ema"].map { key in
            let array = MadePickle.array([1], bytes: four)
            return (key, MadePickle.dictionary([("a/b", MadePickle.dictionary([("w", array)]))]))
          })),
      .init(
        "one array in a thousand places", "many times more data than it holds",
        MadePickle.array([1000], bytes: Array(repeating: 1, count: 4000), keepsContent: true)
          + [0x30] + MadePickle.list(200, of: MadePickle.array([1000], content: [0x68, 9]))),
      .init(
        "axes in an order that is none", "axes in an impossible order",
        MadePickle.transposed([2, 3], axes: [1, 1], bytes: Array(repeating: 0, count: 24))),
      .init(
        "axes that it lacks", "axes in an impossible order",
        MadePickle.transposed([2, 3], axes: [2, 1], bytes: Array(repeating: 0, count: 24))),
      .init(
        "an array in too many places", "more arrays than any network has",
        MadePickle.array([1], bytes: four) + [0x71, 7, 0x30]
          + MadePickle.list(6, of: MadePickle.list(18_000, of: [0x68, 7]))),
      .init("a buffer beside it", "uses the operation 0x97", [0x97]),
      .init("half a pickle", "ends too early", [0x58, 0xFF, 0xFF, 0, 0]),
      .init(
        "something after it", "has bytes after its pickle", MadePickle.array([1], bytes: four),
        after: [1, 2, 3]),
    ]
  }
}
