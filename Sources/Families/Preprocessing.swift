/// What an image goes through before it is given to the network.
package struct Preprocessing: Hashable, Sendable, Codable {
  /// The order of the colours in the channels.
  package let channelOrder: ChannelOrder

  /// The largest value that a pixel has before anything else is done: 255, 1 after division by 255, 2
  /// after division by 127.5.
  package let inputRange: Double

  /// What is subtracted per channel.
  package let mean: [Double]

  /// What is then divided by per channel.
  package let deviation: [Double]

  /// How the image gets its size; `nil` in files of a version that did not say.
  package var resize: Resize?

  /// The order of the colours in the channels.
  package enum ChannelOrder: String, Hashable, Sendable, Codable {
    case rgb = "RGB"
    case bgr = "BGR"
  }

  /// How an image of any size becomes one that the network takes.
  package struct Resize: Hashable, Sendable, Codable {
    /// What is done with an image that is not square.
    package var rule: Rule

    /// The length that the rule speaks of, in pixels.
    package var size: Int

    /// The height and width of the middle part that is kept.
    package var crop: Int

    /// How pixels between pixels are found.
    package var filter: Filter

    /// Describes how an image gets its size.
    package init(rule: Rule, size: Int, crop: Int, filter: Filter) {
      self.rule = rule
      self.size = size
      self.crop = crop
      self.filter = filter
    }

    /// The same for a network that takes images of another size: as much is left out around the middle part.
    ///
    /// - Parameter side: the height and width that it takes.
    package func fitted(to side: Int) -> Resize {
      let scaled = (Double(size) * Double(side) / Double(max(crop, 1))).rounded()
      return Resize(rule: rule, size: max(Int(scaled), side), crop: side, filter: filter)
    }

    /// What is done with an image that is not square.
    package enum Rule: String, Hashable, Sendable, Codable {
      /// Both sides get the size, whatever they were.
      case stretch
      /// The shorter side gets the size, the longer one keeps its ratio.
      case shorterSide
    }

    /// How pixels between pixels are found.
    package enum Filter: String, Hashable, Sendable, Codable, CaseIterable {
      /// The nearest pixel.
      case nearest
      /// Linear between two pixels; over as many as one stands for where an image shrinks.
      case bilinear
      /// A cubic with a = −1/2 over four pixels; over as many more where an image shrinks.
      case bicubic
    }
  }
}

extension Preprocessing {
  /// The largest size of an image that a network is given.
  private static let maximumSize = 4096

  /// Whether an image can go through it: there is a number for each of three colours, no division by
  /// zero, and a size in bounds.
  package var isPossible: Bool {
    let numbers = mean + deviation + [inputRange]
    let isSized =
      resize.map { (1...Self.maximumSize).contains($0.size) && (1...$0.size).contains($0.crop) }
      ?? true
    return mean.count == 3 && deviation.count == 3 && numbers.allSatisfy(\.isFinite)
      && deviation.allSatisfy { $0 != 0 } && inputRange > 0 && isSized
  }

  /// The values that it makes of pixels, of all channels.
  package var values: ClosedRange<Double> {
    let ends = zip(mean, deviation).flatMap { [-$0 / $1, (inputRange - $0) / $1] }
    return (ends.min() ?? 0)...(ends.max() ?? 0)
  }

  /// Pixels in 0…255 as they are, at the size that this one asks for: what a network takes that scales them itself.
  package var leavingPixels: Preprocessing {
    Preprocessing(
      channelOrder: .rgb, inputRange: 255, mean: [0, 0, 0], deviation: [1, 1, 1], resize: resize)
  }

  /// Pixels in 0…1, minus the mean of ImageNet, divided by its standard deviation; the shorter side
  /// 256, the middle 224: what torchvision's ImageNet example does.
  static let imageNetDeviation = Preprocessing(
    channelOrder: .rgb, inputRange: 1, mean: [0.485, 0.456, 0.406],
    deviation: [0.229, 0.224, 0.225],
    resize: Resize(rule: .shorterSide, size: 256, crop: 224, filter: .bilinear))

  /// Pixels in −1…1: `x / 127.5 - 1`, which Keras calls the mode `tf`.
  static let kerasUnit = Preprocessing(
    channelOrder: .rgb, inputRange: 2, mean: [1, 1, 1], deviation: [1, 1, 1], resize: .keras)

  /// Blue, green and red in 0…255, minus their means, which Keras calls the mode `caffe`.
  static let kerasCaffe = Preprocessing(
    channelOrder: .bgr, inputRange: 255, mean: [103.939, 116.779, 123.68], deviation: [1, 1, 1],
    resize: .keras)
}

extension Preprocessing.Resize {
  /// What `keras.utils.load_img(path, target_size=(224, 224))` does: its default filter is the nearest
  /// pixel.
  static let keras = Preprocessing.Resize(rule: .stretch, size: 224, crop: 224, filter: .nearest)
}

extension Preprocessing {
  /// What is done with an image's values, in a line.
  package var words: String {
    let range = inputRange == 255 ? "pixels in 0…255" : "pixels / \(number(255 / inputRange))"
    let parts = [
      "\(channelOrder.rawValue) \(range)",
      mean.allSatisfy { $0 == 0 } ? nil : "minus \(numbers(mean))",
      deviation.allSatisfy { $0 == 1 } ? nil : "divided by \(numbers(deviation))",
    ]
    return parts.compactMap { $0 }.joined(separator: ", ")
  }

  private func numbers(_ values: [Double]) -> String {
    Set(values).count == 1
      ? number(values.first ?? 0) : values.map(number).joined(separator: " ")
  }

  private func number(_ value: Double) -> String {
    value == value.rounded() ? String(Int(value)) : String(value)
  }
}
