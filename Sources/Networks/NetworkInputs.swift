import Conversion
public import Files
import Images
public import Inference
import Tensors

extension Network {
  /// Reads images as the network takes them.
  ///
  /// ```swift
  /// let one = try network.input(contentsOf: "cat.jpg")   // [1, 224, 224, 3]
  /// let all = try network.input(contentsOf: "photos")    // a folder: [N, 224, 224, 3], by name
  /// ```
  ///
  /// PNG and JPEG are resized, cropped and scaled as the file says, or as its family does where it says nothing. Arrays
  /// (`.npy`, `.npz`) are taken as they are: [N, H, W, C] or [H, W, C], preprocessed.
  ///
  /// - Parameter path: an image, an array, or a folder of them, all of one size.
  /// - Returns: the images as one batch, [N, H, W, C] float32.
  /// - Throws: `InputError` where a file is no image or does not fit the network.
  public func input(contentsOf path: String) throws(InputError) -> Activation {
    do {
      return try InputError.only(of: path) {
        var images = try InputImages(.path(path), for: model, passesStrangers: false)
        return try images.all()
      }
    } catch {
      throw error.because(.unfitInput)
    }
  }

  /// Takes an image that is in memory: resized, cropped and scaled as the file says.
  ///
  /// - Parameters:
  ///   - pixels: red, green and blue of each pixel, in 0…255, row by row from the top left: 3 · width · height bytes.
  ///   - width: the number of pixels in a row.
  ///   - height: the number of rows.
  /// - Returns: a batch of one image, [1, H, W, 3] float32.
  /// - Throws: `InputError` of the reason `.unfitInput` where there are more or fewer bytes, or the network takes no
  ///   colour images.
  public func input(
    pixels: [UInt8], width: Int, height: Int
  ) throws(InputError) -> Activation {
    func unfit(_ problem: String, _ place: String) -> InputError {
      InputError(.badData, path: path, problem, place: place, reason: .unfitInput)
    }
    guard inputShape[3] == 3 else {
      throw unfit("takes no colour images", "it takes \(inputShape[3]) channels")
    }
    let area = width.multipliedReportingOverflow(by: height)
    guard width > 0, height > 0, !area.overflow, area.partialValue <= ImageFile.maximumPixels,
      pixels.count == 3 * area.partialValue
    else {
      throw unfit(
        "is given \(pixels.count) bytes for an image of \(width)×\(height)",
        "3 bytes for each of at most \(ImageFile.maximumPixels) pixels were expected")
    }
    let image = PixelImage(width: width, height: height, bytes: pixels)
    do {
      let resize = try model.resize(nil)
      let prepared = try image.prepared(try model.preprocessing(), resize)
      return Activation(
        shape: [1, prepared.height, prepared.width, 3], values: prepared.values)
    } catch let error as InputError {
      throw error
    } catch {
      throw unfit("is given an image that is too narrow", "\(error)")
    }
  }

  /// The input that everyone can make: uniform values from a seed, in the size that the network is usually run on.
  ///
  /// They are in [−1, 1), or where the network itself adjusts its input in the range that it makes [−1, 1) of.
  ///
  /// - Parameter seed: of the sequence of numbers, which is SplitMix64.
  /// - Returns: a batch of one image, [1, H, W, C] float32.
  public func probe(seed: UInt64 = 1) -> Activation {
    Activation.probe(
      seed: seed, shape: inputShape, range: ProbeRange(model.graph.configuration.input))
  }
}
