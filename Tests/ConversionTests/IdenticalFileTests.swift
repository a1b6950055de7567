import FoundationEssentials
import Inference
import Precision
import RNW
import Tensors
import TestSupport
import Testing

@testable import Conversion

@Suite("The same source and options give the same bytes")
struct IdenticalFileTests {
  struct Options: Sendable, CustomTestStringConvertible {
    let precision: Precision
    var codec = RNWCodec.planes

    var testDescription: String { "\(precision), \(codec)" }
  }

  @Test(
    "For any number of threads and the kernels of any processor",
    arguments: Precision.allCases.map { Options(precision: $0) }
      + [Options(precision: .float32, codec: .none), Options(precision: .int8, codec: .none)])
  func anyProcessor(_ options: Options) throws {
    let folder = try TemporaryFolder()
    var files: Set<Data> = []
    let sets = InstructionSet.allCases.filter(\.isAvailable)
    // More threads than cores find out what depends on their order.
    for (set, threads) in zip(sets + [.baseline], [1, 2, 3, 4]) {
      var request = ConversionRequest(
        source: Fixture.path("torch/basic.pth"), output: folder.file("x.rnw"))
      (request.precision, request.codec) = (options.precision, options.codec)
      request.maximumError = options.precision == .auto ? 3e-3 : nil
      request.pool = WorkerPool(threads: threads)
      (request.instructionSet, request.replaces) = (set, true)
      let outcome = try convert(request) { _, _ in }
      #expect(outcome.passes)
      files.insert(try Data(contentsOf: URL(filePath: folder.file("x.rnw"))))
    }
    #expect(files.count == 1)
  }
}
