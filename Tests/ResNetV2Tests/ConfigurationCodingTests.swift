import Foundation
import Tensors
import TestSupport
import Testing

@testable import ResNetV2

@Suite("Configurations as JSON")
struct ConfigurationCodingTests {
  @Test("What version 1.0 can say has the keys of version 1.0")
  func plainKeys() throws {
    let json = try text(of: SampleNetwork.preActivation.configuration)
    let expected = """
      {"block":{"hasInnerBiases":false,"hasLastBias":true,"kind":"bottleneck","order":"preActivation",\
      "stridedBlock":"last","stridedConvolution":"spatial"},\
      "head":{"classes":11,"hasPooling":true,"hasSoftmax":true},"inputChannels":3,\
      "norm":{"batch":{"epsilon":1.001e-05}},"normalizesInput":false,\
      "shortcut":{"hasBias":true,"input":"preActivated","kind":"convolution","placement":"everyStage"},\
      "stages":[{"blocks":2,"innerChannels":7,"outputChannels":33,"stride":2},\
      {"blocks":3,"innerChannels":20,"outputChannels":70,"stride":1}],\
      "stem":{"convolutions":[{"hasBias":true,"kernel":7,"outputChannels":17,"stride":2}],\
      "hasNorm":false,"poolPadding":"zero"}}
      """
    #expect(json == expected)
    #expect(SampleNetwork.all.allSatisfy { $0.configuration.formatMajor == 1 })
  }

  @Test("Every option is read as it was written, and says that version 2.0 is needed")
  func comesBack() throws {
    for (name, change) in Self.changes {
      var configuration = SampleNetwork.preActivation.configuration
      change(&configuration)
      let data = try JSONEncoder().encode(configuration)
      let read = try JSONDecoder().decode(Configuration.self, from: data)
      #expect(read == configuration, "\(name)")
      #expect(configuration.formatMajor == 2, "\(name)")
    }
  }

  @Test("A key that is not known, missing or there twice over is refused")
  func refusesOtherKeys() throws {
    let good = try text(of: SampleNetwork.preActivation.configuration)
    let bad = [
      good.replacing("\"poolPadding\"", with: "\"pooling\""),
      good.replacing(
        "\"inputChannels\"", with: "\"ending\":\"sum\",\"inputScales\":[],\"inputChannels\""),
      good.replacing("\"epsilon\"", with: "\"count\":1,\"epsilon\""),
      good.replacing("\"hasSoftmax\":true", with: "\"hasSoftmax\":true,\"layers\":[]"),
      good.replacing("\"classes\":11", with: "\"classes\":0"),
      good.replacing("\"hasPooling\":true", with: "\"hasPooling\":false"),
      good.replacing("\"poolPadding\"", with: "\"pool\":null,\"poolPadding\""),
      good.replacing("\"stride\":1", with: "\"stride\":1,\"dilations\":2"),
    ]
    for json in bad {
      #expect(json != good)
      #expect(throws: DecodingError.self, "\(json)") {
        try JSONDecoder().decode(Configuration.self, from: Data(json.utf8))
      }
    }
  }

  @Test("A hostile number is refused before anything is made of it")
  func refusesHostileNumbers() {
    let hostile: [(inout Configuration) -> Void] = [
      { $0.head.pooling = .flatten(height: .max, width: .max, channelsFirst: true) },
      { $0.head.pooling = .flatten(height: 1 << 20, width: 1 << 20, channelsFirst: false) },
      { $0.head.pooling = .flatten(height: 0, width: 1, channelsFirst: false) },
      { $0.head.layers = [.dense(outputs: .max, hasBias: true)] },
      { $0.head.layers = Array(repeating: .activation(.relu), count: 65) },
      { $0.head.layers = [.activation(.elu(alpha: .nan))] },
      { $0.head.layers = [.norm(.batch(epsilon: .infinity), hasScale: true, hasShift: true)] },
      { $0.head.layers = [.norm(.group(count: 0, epsilon: 0), hasScale: true, hasShift: true)] },
      { $0.input.channels = .max },
      { $0.input.scale = [1] },
      { $0.input.offset = [0, .nan, 0] },
      { $0.input.hasNormScale = false },
      { $0.block.omitsSpatialBias = true },
      {
        $0.block.kind = .basic
        $0.block.hasInnerBiases = true
        $0.block.omitsSpatialBias = true
        for index in $0.stages.indices {
          $0.stages[index].innerChannels = $0.stages[index].outputChannels
        }
      },
      { $0.norm = .group(count: 3, epsilon: 0) },
      { $0.stem.pool?.size = .max },
      { $0.stem.pool?.stride = 0 },
      { $0.shortcut.kind = .zeroChannelsAfter },
      {
        $0.shortcut = .init(placement: .everyStage, input: .raw, kind: .zeroChannelsAround)
        $0.stages[1].outputChannels = 3
      },
    ]
    for (index, change) in hostile.enumerated() {
      var configuration = SampleNetwork.preActivation.configuration
      change(&configuration)
      #expect(throws: ConfigurationError.self, "number \(index)") { try Graph(configuration) }
    }
  }

  private func text(of configuration: Configuration) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(configuration), as: UTF8.self)
  }

  private static var changes: [(String, (inout Configuration) -> Void)] {
    [
      ("scale", { $0.input.scale = [1 / 127.5, 2, 3] }),
      ("offset", { $0.input.offset = [-1, -1, 0.5] }),
      ("reversal", { $0.input.reversesChannels = true }),
      (
        "no scale of the input's norm",
        {
          $0.input.hasNorm = true
          $0.input.hasNormScale = false
        }
      ),
      ("no scales", { $0.hasNormScales = false }),
      ("no shifts", { $0.hasNormShifts = false }),
      (
        "no statistics",
        {
          $0.hasNormStatistics = false
          $0.norm = .batch(epsilon: 0)
        }
      ),
      ("folded norms", { $0.foldsNorms = true }),
      ("padding", { $0.convolutionPadding = .same }),
      ("dilation", { $0.stages[0].dilation = 2 }),
      ("ending norm", { $0.ending = .norm }),
      ("ending sum", { $0.ending = .sum }),
      (
        "no spatial bias",
        {
          $0.block.hasInnerBiases = true
          $0.block.omitsSpatialBias = true
        }
      ),
      ("first block", { $0.block.firstBlockIsPreActivated = false }),
      ("no pool", { $0.stem.pool = nil }),
      ("other pool", { $0.stem.pool = .init(size: 2, stride: 2, padding: .same) }),
      ("zeros around", { $0.shortcut.kind = .zeroChannelsAround }),
      ("zeros after", { $0.shortcut.kind = .zeroChannelsAfter }),
      ("maximum", { $0.head.pooling = .max }),
      ("flatten", { $0.head.pooling = .flatten(height: 2, width: 3, channelsFirst: true) }),
      ("per pixel", { $0.head.pooling = .none }),
      ("no bias", { $0.head.layers = [.dense(outputs: 3, hasBias: false)] }),
      ("softmax alone", { $0.head.layers = [.activation(.softmax)] }),
      (
        "norm",
        { $0.head.layers = [.norm(.group(count: 2, epsilon: 0), hasScale: false, hasShift: true)] }
      ),
    ]
      + activations.map { activation in
        (activation.title, { $0.head.layers = [.activation(activation), .activation(.relu)] })
      }
  }

  private static let activations: [ActivationFunction] = [
    .softmax, .sigmoid, .tanh, .relu, .relu6, .leakyRelu(slope: 0.3), .elu(alpha: 0.5), .selu,
    .gelu, .geluTanh, .silu, .softplus, .hardSigmoid(slope: 1 / 6), .hardSigmoid(slope: 0.2),
    .hardSwish,
  ]
}
