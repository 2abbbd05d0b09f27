package org.apache.spark.ordered

import java.util

import org.apache.spark.{SPARK_VERSION, SparkConf, SparkEnv}

/** What the driver and the executors say of themselves, and the Spark that all of this was tested with.
  *
  * The classes below lie in a package of Spark because they extend and call what Spark keeps to itself. Spark
  * promises nothing of that from one version to the next: another version is refused, not tried.
  */
object OrderedExecution {

  val TESTED: String = "4.1.4"

  /** The settings under which the shuffle gives rows in an order that nothing here decides. */
  private val refused = Seq("spark.shuffle.push.enabled" -> "true", "spark.shuffle.sort.io.plugin.class" -> null)

  /** What a JVM is: its Spark and its shuffle manager. Called on executors, through SQL's `java_method`. */
  def told(): String = s"$SPARK_VERSION ${SparkEnv.get.shuffleManager.getClass.getName}"

  private[ordered] def checked(conf: SparkConf): SparkConf = {
    if (SPARK_VERSION != TESTED) {
      throw new IllegalStateException(s"ordered execution was tested with Spark $TESTED; this is Spark $SPARK_VERSION")
    }
    for ((name, value) <- refused; found <- conf.getOption(name) if value == null || found == value) {
      throw new IllegalArgumentException(s"ordered execution reads map outputs itself; $name=$found hands them elsewhere")
    }
    conf
  }

  private[ordered] def noFurtherSettings: util.Map[String, String] = util.Collections.emptyMap[String, String]()
}
