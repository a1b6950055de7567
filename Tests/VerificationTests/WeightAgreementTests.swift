import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Comparison

@Suite("Agreement of weights")
struct WeightAgreementTests {
  @Test("Equal weights are the same to the bit")
  func equal() throws {
    let agreement = try Self.compare { $0 }
    #expect(agreement.agrees && agreement.identical == agreement.compared)
    #expect(agreement.compared == Sample.keras.graph.parameters.count)
  }

  @Test("What a stated rounding does is explained", arguments: [DType.float16, .bfloat16, .int8])
  func rounding(_ type: DType) throws {
    let agreement = try Self.compare { $0.shape.rank > 1 ? try $0.rounded(to: type) : $0 }
    #expect(agreement.agrees && agreement.rounded > 0)
  }

  @Test(
    "More than rounding is a difference, of one value too", arguments: [Float(1.001), -1, .nan])
  func differences(_ factor: Float) throws {
    for type in factor.isNaN ? [DType.float32] : [.float32, .float16, .bfloat16] {
      let name = "stage1.block2.conv2.weight"
      let agreement = try Self.compare(only: name) { tensor in
        var values = tensor.floats()
        values[5] *= type == .float32 ? factor : 1.5 * factor
        return try TensorData(shape: tensor.shape, values: values).rounded(to: type)
      }
      #expect(!agreement.agrees, "\(type)")
      #expect(agreement.different.map(\.name) == [name])
      #expect(agreement.different.first?.channels == 1)
    }
  }

  @Test("Where only the same bits will do, rounding is a difference")
  func exact() throws {
    let agreement = try Self.compare(isBitExact: true) {
      $0.shape.rank > 1 ? try $0.rounded(to: .float16) : $0
    }
    #expect(!agreement.agrees && agreement.rounded == 0)
  }

  private static func compare(
    only name: String? = nil, isBitExact: Bool = false,
    _ change: @Sendable (TensorData) throws -> TensorData
  ) throws -> WeightAgreement {
    let sample = Sample.keras
    return try WeightAgreement(
      of: sample.graph, threads: 2, isBitExact: isBitExact,
      candidate: { parameter in
        let tensor = sample.parameters[parameter]
        return name == nil || name == parameter.name ? try change(tensor) : tensor
      }, reference: { sample.parameters[$0] })
  }
}
